import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { isDatabaseUnavailable, isTransientConflict } from './database-errors.ts';

/**
 * Whatever a statement can be sent through: a `pg.Pool`, a `pg.PoolClient` or a `pg.Client`. Functions with
 * hand-written SQL take it as their first argument, so that the caller decides which transaction they are in.
 */
export interface SqlExecutor {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>;
  query<Row extends pg.QueryResultRow>(config: pg.QueryConfig<unknown[]>): Promise<pg.QueryResult<Row>>;
}

export interface TransactionOptions {
  /**
   * How long a statement may wait for each lock, in milliseconds, before it fails (`isLockTimeout`); null for as long
   * as a statement may take.
   */
  readonly lockTimeoutMs: number | null;
}

/**
 * Runs `fn` in one transaction (read committed) on one connection: commits when it returns, rolls back when
 * it throws, and gives the connection back either way.
 *
 * @param fn gets the connection; nothing inside may use the pool, or it runs outside the transaction
 * @throws what `fn` threw, or the error of `commit`; after an `isDatabaseUnavailable` one from `commit` it is
 *   unknown whether the transaction took effect
 */
export async function withTransaction<Result>(
  pool: pg.Pool,
  fn: (client: pg.PoolClient) => Promise<Result>,
  { lockTimeoutMs }: TransactionOptions = { lockTimeoutMs: null },
): Promise<Result> {
  const client = await pool.connect();
  // A connection whose state is unknown is destroyed instead of going back into the pool.
  let broken = false;
  try {
    // One round trip for both.
    await client.query(lockTimeoutMs === null ? 'begin' : `begin; set local lock_timeout = ${lockTimeoutMs}`);
    const result = await fn(client);
    await client.query('commit');
    return result;
  } catch (error) {
    if (isDatabaseUnavailable(error)) {
      broken = true;
    } else {
      await client.query('rollback').catch(() => {
        broken = true;
      });
    }
    throw error;
  } finally {
    client.release(broken);
  }
}

const MAX_RETRIES = 3;
const RETRY_STEP_MS = 20;

/**
 * Runs `fn`, and again up to three times when it was the victim of a deadlock or a serialization conflict.
 * The waits grow and are random, so that two victims do not meet again.
 *
 * @param fn a whole transaction: after such an error nothing of it took effect
 * @throws the last conflict after three retries, any other error at once
 */
export async function retryTransient<Result>(fn: () => Promise<Result>): Promise<Result> {
  for (let retry = 1; ; retry += 1) {
    try {
      return await fn();
    } catch (error) {
      if (!isTransientConflict(error) || retry > MAX_RETRIES) throw error;
      await delay(Math.random() * RETRY_STEP_MS * retry);
    }
  }
}
