/**
 * The promise under faults, proved on the real processes: each kind of fault many times on a system of its own under
 * load, and everything it did judged from the outside. Settings, in the environment:
 *
 * - `FAULTS_SEED`: of everything that is chosen; printed, so that a run can be done again. What the machine does
 *   meanwhile is not repeated.
 * - `FAULTS_ONLY`: a regular expression, tried on the kinds; `FAULTS_QUEUE`: `redis` or `postgres` alone. For parts.
 * - `FAULTS_FORM`: `short` does each kind once instead (see faults.e2e.test.ts).
 * - `FAULTS_LOGS`: a folder; the logs of each system's processes are kept there.
 * - `FAULTS_RUNS`: how often each kind is done instead of 20 times, 5 for those that last 10 s or more.
 */
import { afterAll, expect, test } from 'vitest';
import { sumDisturbances } from './count-disturbances.ts';
import { createChangeGoal } from './create-change-goal.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './faults.ts';
import type { QueueBackend } from './queue-backend.ts';
import { type FaultReport, type FaultRunOptions, runFaults } from './run-faults.ts';
import { seed } from './run-settings.ts';
import { showReport } from './show-report.ts';

const { env } = process;
const only = new RegExp(env['FAULTS_ONLY'] ?? '');
const backends = (['redis', 'postgres'] as const).filter((name) => (env['FAULTS_QUEUE'] ?? name) === name);
const LONG_MS = 10_000;
/** Of each part, were it over sooner. */
const CHANGES = 100;

const LOAD = {
  seed,
  walkers: 3,
  pauseMs: 60,
  restMs: 500,
  catchUpMs: 20_000,
  longestHangMs: Number.POSITIVE_INFINITY,
};

/** Parts of the whole: the faults that one system is given. */
const parts = backends.flatMap((backend) => {
  const faults = FAULTS.filter((fault) => fault.backends.includes(backend) && only.test(fault.kind));
  return faults.map((fault) => toPart(fault.kind, backend, Array<Fault>(runsOf(fault)).fill(fault)));
});

function toPart(title: string, backend: QueueBackend, planned: readonly Fault[]): FaultRunOptions {
  const goal = createChangeGoal(CHANGES);
  return { ...LOAD, title: `${title}, queue in ${backend}`, backend, planned, goal };
}

function runsOf({ lastsMs }: Fault): number {
  return Number(env['FAULTS_RUNS'] ?? (lastsMs >= LONG_MS ? 5 : 20));
}

const reports: FaultReport[] = [];

console.log(`FAULTS_SEED=${seed}`);

test.concurrent.each(parts)('$title', async (part) => {
  const report = await runFaults(part);
  reports.push(report);
  showReport([report]);
  expect(report.violations).toEqual([]);
  expect(report.rows.reduce((runs, row) => runs + row.runs, 0)).toBe(part.planned.length);
});

afterAll(() => {
  showReport(reports);
  // A part may be too short for all of it; the whole is not.
  const isWhole = env['FAULTS_ONLY'] === undefined && env['FAULTS_RUNS'] === undefined;
  const sums = sumDisturbances(reports.map(({ disturbances }) => disturbances));
  if (isWhole) expect(Math.min(...Object.values(sums)), JSON.stringify(sums)).toBeGreaterThan(0);
});
