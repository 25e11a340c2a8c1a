import type { BenchResult, BenchRow } from '../result/bench-result.ts';
import { STATEMENTS_OF_ATTEMPT, type UnitCosts } from './unit-costs.ts';

/** Attempts in a statement while a backlog is drained, about. */
const DRAINED_TOGETHER = 16;
/** Of each of P8's orders. */
const CHANGES_OF_PATH = 6;
/** What the processor time of a few seconds cannot tell from nothing. */
const LEAST_MS = 0.01;

/**
 * The unit costs that the rows of a bench show: a change is P1's, an attempt P2's.
 *
 * @param others what these rows do not say
 * @throws when the result lacks one of them
 */
export function readUnitCosts({ meta, rows }: BenchResult, others: UnitCosts): UnitCosts {
  const changes = findRow(rows, 'P1');
  const drain = findRow(rows, 'P2');
  const whole = rows.find(({ id }) => id === 'P8');
  const sharedMs = (others.attempt.statementMs * STATEMENTS_OF_ATTEMPT) / DRAINED_TOGETHER;
  return {
    ...others,
    measured: `${meta.cores} x ${meta.machine}, ${meta.date.slice(0, 10)}${meta.quick ? ', a quick run' : ''}`,
    atMost: {
      cores: meta.cores,
      changesPerSecond: changes.ours.median,
      attemptsPerSecond: drain.ours.median,
      deliveredChangesPerSecond: whole === undefined ? null : whole.ours.median * CHANGES_OF_PATH,
    },
    change: {
      ...others.change,
      apiMs: readMs(changes, 'api'),
      postgresMs: readMs(changes, 'postgres'),
    },
    attempt: {
      ...others.attempt,
      workerMs: readMs(drain, 'worker'),
      postgresMs: Math.max(LEAST_MS, readMs(drain, 'postgres') - sharedMs),
      redisMs: readMs(drain, 'redis'),
    },
    bystanders: { changeMs: readMs(changes, 'driver'), attemptMs: readMs(drain, 'receiver') },
  };
}

function findRow(rows: readonly BenchRow[], id: string): BenchRow {
  const found = rows.find((row) => row.id === id);
  if (found === undefined) throw new Error(`the result has no row ${id}`);
  return found;
}

function readMs({ id, cpu }: BenchRow, process: string): number {
  const share = cpu.ours.find((each) => each.process === process);
  if (share === undefined) throw new Error(`row ${id} has no processor time of ${process}`);
  return share.msPerUnit;
}
