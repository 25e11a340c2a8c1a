import { createLifecycle, type Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import type { Logger } from 'pino';
import type { Benchmark, SharedPart } from './benchmark.ts';
import type { BenchCurve, BenchRow } from './result/bench-result.ts';
import { toLine } from './result/print-result.ts';
import { type CreateStage, createStage, type StageDeps } from './stage/create-stage.ts';

export interface RunOptions extends Omit<StageDeps, 'lifecycle'> {
  readonly quick: boolean;
  readonly logger: Logger;
  readonly say: (line: string) => void;
}

/** Processes take up to 18 s. */
const STOP_DEADLINE_MS = 25_000;

/** Runs one after the other, and stops what was started for it before the next begins. */
export async function runBenchmarks(
  lifecycle: Lifecycle,
  benchmarks: readonly Benchmark[],
  { quick, logger, say, ...deps }: RunOptions,
): Promise<{ rows: BenchRow[]; curves: BenchCurve[] }> {
  const hasRedis = deps.services.redisUrl !== null;
  const rows: BenchRow[] = [];
  const curves: BenchCurve[] = [];
  const shared = new Map<SharedPart<unknown>, { readonly own: Lifecycle; readonly part: unknown }>();

  function createOwn(name: string): Promise<Lifecycle> {
    return lifecycle.start(
      name,
      () => createLifecycle({ logger, stopDeadlineMs: STOP_DEADLINE_MS }),
      async (started) => void (await started.stop('the bench stops')),
    );
  }

  const createStageIn =
    (own: Lifecycle): CreateStage =>
    (options) =>
      createStage({ ...deps, lifecycle: own }, options);

  async function share<Part>(asked: SharedPart<Part>): Promise<Part> {
    const known = shared.get(asked);
    // Made by its own `create`.
    if (known !== undefined) return known.part as Part;
    const own = await createOwn('shared stage');
    const part = await asked.create(createStageIn(own));
    shared.set(asked, { own, part });
    return part;
  }

  /** Of those that nobody asks for any more. */
  async function stopShared(later: readonly Benchmark[]): Promise<void> {
    for (const [asked, { own }] of shared) {
      if (later.some(({ shares }) => shares === asked)) continue;
      shared.delete(asked);
      await own.stop('the last benchmark on it is over');
    }
  }

  for (const [index, { id, title, run }] of benchmarks.entries()) {
    say(`${id} ${title} …`);
    const begunAt = performance.now();
    const own = await createOwn(id);
    const measured = await run({
      quick,
      hasRedis,
      earlier: rows,
      createStage: createStageIn(own),
      share,
      say,
    });
    rows.push(...(measured.rows ?? []));
    curves.push(...(measured.curves ?? []));
    for (const row of measured.rows ?? []) say(toLine(row));
    await own.stop('the benchmark is over');
    await stopShared(benchmarks.slice(index + 1));
    say(`${id} took ${((performance.now() - begunAt) / 1_000).toFixed(0)} s`);
  }
  return { rows, curves };
}
