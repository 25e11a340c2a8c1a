import type { BenchResult, BenchRow } from '../result/bench-result.ts';
import { STATEMENTS_OF_ATTEMPT, type UnitCosts } from './unit-costs.ts';

/** Attempts in a statement, as they were counted: while a backlog is drained (P2), and while orders are walked (P8). */
export const TOGETHER = { drain: 38, path: 8 } as const;
/** Of each of P8's orders. */
const CHANGES_OF_PATH = 6;
/** What the processor time of a few seconds cannot tell from nothing. */
const LEAST_MS = 0.01;

/**
 * The unit costs that the rows of a bench show. PostgreSQL's part of a change is P1's; the API's is P8's, for in P1 hardly a
 * change is handed to the queue, which nobody empties. An attempt is P2's and P8's: where few share a statement each pays
 * more for it, and the difference says what a statement costs.
 *
 * @param others what these rows do not say; without P8 also what a statement costs
 * @throws when the result lacks P1 or P2
 */
export function readUnitCosts({ meta, rows }: BenchResult, others: UnitCosts): UnitCosts {
  const changes = findRow(rows, 'P1');
  const drain = findRow(rows, 'P2');
  const path = rows.find(({ id }) => id === 'P8');
  const postgresMs = readMs(changes, 'postgres');
  const ofPostgres = splitCosts(
    readMs(drain, 'postgres'),
    path === undefined ? null : readMs(path, 'postgres') - postgresMs,
    others.attempt.statementMs,
  );
  const ofWorker = splitCosts(
    readMs(drain, 'worker'),
    path === undefined ? null : readMs(path, 'worker'),
    others.attempt.workerStatementMs,
  );
  return {
    ...others,
    measured: `${meta.cores} x ${meta.machine}, ${meta.date.slice(0, 10)}${meta.quick ? ', a quick run' : ''}`,
    atMost: {
      cores: meta.cores,
      changesPerSecond: changes.ours.median,
      attemptsPerSecond: drain.ours.median,
      deliveredChangesPerSecond: path === undefined ? null : path.ours.median * CHANGES_OF_PATH,
    },
    change: { ...others.change, apiMs: readMs(path ?? changes, 'api'), postgresMs },
    attempt: {
      ...others.attempt,
      workerMs: ofWorker.attemptMs,
      workerStatementMs: ofWorker.statementMs,
      postgresMs: ofPostgres.attemptMs,
      statementMs: ofPostgres.statementMs,
      redisMs: readMs(drain, 'redis'),
    },
    bystanders: { changeMs: readMs(changes, 'driver'), attemptMs: readMs(drain, 'receiver') },
  };
}

/** What an attempt costs by itself, and what each of its statements does, however many share it. */
function splitCosts(
  drainMs: number,
  pathMs: number | null,
  otherStatementMs: number,
): { attemptMs: number; statementMs: number } {
  const [few, many] = [STATEMENTS_OF_ATTEMPT / TOGETHER.path, STATEMENTS_OF_ATTEMPT / TOGETHER.drain];
  const statementMs =
    pathMs === null ? otherStatementMs : Math.max(LEAST_MS, (pathMs - drainMs) / (few - many));
  return { attemptMs: Math.max(LEAST_MS, drainMs - many * statementMs), statementMs };
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
