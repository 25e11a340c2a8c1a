import { createLifecycle, type Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import type { Logger } from 'pino';
import type { Benchmark } from './benchmark.ts';
import type { BenchCurve, BenchRow } from './result/bench-result.ts';
import { toLine } from './result/print-result.ts';
import { createStage, type StageDeps } from './stage/create-stage.ts';

export interface RunOptions extends Omit<StageDeps, 'lifecycle'> {
  readonly quick: boolean;
  readonly logger: Logger;
  readonly say: (line: string) => void;
}

/** Processes take up to 18 s. */
const STOP_DEADLINE_MS = 25_000;

/** Runs each benchmark by itself, one after the other, and stops what it started before the next begins. */
export async function runBenchmarks(
  lifecycle: Lifecycle,
  benchmarks: readonly Benchmark[],
  { quick, logger, say, ...deps }: RunOptions,
): Promise<{ rows: BenchRow[]; curves: BenchCurve[] }> {
  const rows: BenchRow[] = [];
  const curves: BenchCurve[] = [];
  for (const { id, title, run } of benchmarks) {
    say(`${id} ${title} …`);
    const own = await lifecycle.start(
      id,
      () => createLifecycle({ logger, stopDeadlineMs: STOP_DEADLINE_MS }),
      async (started) => void (await started.stop('the bench stops')),
    );
    const measured = await run({
      quick,
      earlier: rows,
      createStage: (options) => createStage({ ...deps, lifecycle: own }, options),
      say,
    });
    rows.push(...(measured.rows ?? []));
    curves.push(...(measured.curves ?? []));
    for (const row of measured.rows ?? []) say(toLine(row));
    await own.stop('the benchmark is over');
  }
  return { rows, curves };
}
