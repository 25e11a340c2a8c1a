import type { BenchResult, BenchRow } from '../result/bench-result.ts';
import { STATEMENTS_OF_ATTEMPT, type UnitCosts } from './unit-costs.ts';

/** Attempts in a statement while a backlog is drained, about. */
const DRAINED_TOGETHER = 16;
/** What the processor time of a few seconds cannot tell from nothing. */
const LEAST_MS = 0.01;

/**
 * The unit costs that the rows of a bench show: a change is P1's, an attempt P2's, and what a statement costs by itself
 * is by how much P3, where each attempt has its own, is above both together.
 *
 * @param others what processor times do not say
 * @throws when the result lacks one of these rows
 */
export function readUnitCosts({ meta, rows }: BenchResult, others: UnitCosts): UnitCosts {
  const [changes, drain, alone] = ['P1', 'P2', 'P3'].map((id) => findRow(rows, id)) as [
    BenchRow,
    BenchRow,
    BenchRow,
  ];
  const aloneMs = readMs(alone, 'postgres') - readMs(changes, 'postgres') - readMs(drain, 'postgres');
  const statementMs = Math.max(LEAST_MS, aloneMs / STATEMENTS_OF_ATTEMPT);
  const sharedMs = (statementMs * STATEMENTS_OF_ATTEMPT) / DRAINED_TOGETHER;
  return {
    ...others,
    measured: `${meta.cores} x ${meta.machine}, ${meta.date.slice(0, 10)}`,
    change: {
      ...others.change,
      apiMs: readMs(changes, 'api'),
      postgresMs: readMs(changes, 'postgres'),
    },
    attempt: {
      ...others.attempt,
      workerMs: readMs(drain, 'worker'),
      postgresMs: Math.max(LEAST_MS, readMs(drain, 'postgres') - sharedMs),
      statementMs,
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
