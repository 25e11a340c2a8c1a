/** `npm run bench`: ours against the bare parts it is made of, on this machine, as a table, JSON and a report. */
import { openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readLogTail } from '@vendor-server/cli/demo/read-log-tail.ts';
import { watchNpm } from '@vendor-server/cli/start/watch-npm.ts';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import { runProcess } from '@vendor-server/platform/lifecycle/run-process.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { loadSettingsOrExit } from '@vendor-server/platform/settings/load-settings-or-exit.ts';
import { BENCH_USAGE, type BenchOptions, BenchUsageError, parseBenchOptions } from './bench-options.ts';
import { BENCHMARKS } from './benchmarks.ts';
import { buildReport } from './report/build-report.ts';
import type { BenchResult } from './result/bench-result.ts';
import { describeMachine } from './result/describe-machine.ts';
import { printResult } from './result/print-result.ts';
import { runBenchmarks } from './run-benchmarks.ts';
import { startServices } from './stage/start-services.ts';

/** The processes take up to 18 s, PostgreSQL a moment. */
const STOP_DEADLINE_MS = 40_000;

const options = readOptions();
const settings = loadSettingsOrExit(process.env);
const searchPath = process.env['PATH'] ?? '';
const directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-bench-'));
const logPath = path.join(directory, 'bench.log');
const output = openSync(logPath, 'a', 0o600);
const logger = createLoggerTo(
  { write: (line) => void writeSync(output, line) },
  { name: 'bench', level: 'info' },
);

await runProcess({
  logger,
  stopDeadlineMs: STOP_DEADLINE_MS,
  signals: ['SIGTERM', 'SIGINT', 'SIGHUP'],
  signalExitCode: 1,
  async start(lifecycle, exit) {
    watchNpm(process.env, () => exit('npm is gone', 1));
    await lifecycle.start(
      'log',
      () => directory,
      (made) => rm(made, { recursive: true, force: true }),
    );
    try {
      const result = await measure(lifecycle);
      printResult(result);
      console.log(`\nThe report: ${await writeResult(result)}`);
      exit('the bench is over', 0);
    } catch (error) {
      if (lifecycle.stopping.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      console.error([`The bench failed: ${reason}`, ...(await readLogTail(logPath))].join('\n'));
      exit('the bench failed', 1);
    }
  },
});

function readOptions(): BenchOptions {
  try {
    const read = parseBenchOptions(
      process.argv.slice(2),
      BENCHMARKS.map(({ id }) => id),
    );
    if (read !== null) return read;
    process.stdout.write(BENCH_USAGE);
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof BenchUsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${BENCH_USAGE}`);
    return process.exit(2);
  }
}

async function measure(lifecycle: Lifecycle): Promise<BenchResult> {
  const begunAt = performance.now();
  const date = new Date().toISOString();
  const { only, quick, cpuProf, isQueueInPostgres } = options;
  const services = await startServices(lifecycle, { ...settings, isQueueInPostgres, searchPath });
  const env = cpuProf === null ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${path.resolve(cpuProf)}` };
  const measured = await runBenchmarks(
    lifecycle,
    BENCHMARKS.filter(({ id }) => only?.includes(id) ?? true),
    { services, searchPath, env, output, quick, logger, say: (line) => console.log(line) },
  );
  const meta = {
    date,
    tookSeconds: (performance.now() - begunAt) / 1_000,
    quick,
    ...(await describeMachine(services.versions)),
    database: services.database,
    queue: services.redisUrl === null ? 'postgres' : 'redis',
  } as const;
  return { meta, ...measured };
}

/** @returns where the report is */
async function writeResult(result: BenchResult): Promise<string> {
  const out = path.resolve(options.out ?? path.join(settings.dataDir, 'bench'));
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if (options.json !== null) await writeFile(options.json, json);
  await mkdir(out, { recursive: true });
  await writeFile(path.join(out, 'bench.json'), json);
  const report = path.join(out, 'bench.html');
  await writeFile(report, buildReport(result));
  return report;
}
