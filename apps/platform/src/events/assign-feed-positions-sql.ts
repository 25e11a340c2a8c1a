/**
 * Gives committed changes their place in the feed. A reader asks for what has a position above its cursor, so no
 * change may ever turn up at or below a position that somebody has seen. Why none does:
 *
 * 1. *Positions are given after commit.* `seq` is drawn when a change is inserted, and a change that commits late
 *    has a lower one than others that were read long ago: it would be skipped for good. Here only what is
 *    committed and visible gets a position, and the next one is always higher than all before it. Whoever commits
 *    late is placed later.
 * 2. *One assigner at a time, until its commit.* The advisory lock is the transaction's. PostgreSQL lets go of it
 *    only when the commit is visible, and the statement that draws positions begins after the lock was taken. So
 *    positions are drawn in the order in which they become visible: who sees position n sees everything below it.
 *    (Without the lock, two could draw for the same rows, and the one with the lower numbers commit last.)
 * 3. *One order's changes keep their order.* Version n + 1 is decided on a version n that was read committed, so
 *    its `seq` is higher, and whoever sees it sees version n. Both unassigned: `seq` order. A batch ends at a `seq`,
 *    so version n is in it, or in an earlier one.
 *
 * A position that was drawn and rolled back is never used: gaps say nothing. The transaction that makes a change
 * does none of this. Rows that somebody else is writing (personal data being erased) are waited for, never skipped.
 */
import type { Database } from '../database/create-database.ts';
import { isLockTimeout } from '../database/database-errors.ts';
import { LOCK_KEYS } from '../database/lock-keys.ts';
import { retryTransient, type SqlExecutor, withTransaction } from '../database/sql-executor.ts';

const BATCH_SIZE = 1_000;
const MAX_BATCHES = 5;
/** For the lock and for rows: whoever waits longer leaves its batch to the next call. */
const LOCK_TIMEOUT = '2s';

/**
 * Places every change that is committed by now and has no position yet, at most 5 000 a call; a longer backlog
 * takes more calls.
 *
 * @returns how many it placed; fewer than there are when somebody else holds the lock or a row for long
 */
export async function assignFeedPositions(database: Pick<Database, 'pool'>): Promise<number> {
  let placed = 0;
  try {
    for (let batch = 1; batch <= MAX_BATCHES; batch += 1) {
      const count = await retryTransient(() => withTransaction(database.pool, placeBatch));
      placed += count;
      if (count < BATCH_SIZE) break;
    }
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
  }
  return placed;
}

/** One batch, inside the caller's transaction; waits for the assigner that has the lock. */
export async function placeBatch(executor: SqlExecutor): Promise<number> {
  await executor.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
  await executor.query({
    name: 'lock-feed',
    text: 'select pg_advisory_xact_lock($1)',
    values: [LOCK_KEYS.feed],
  });
  const { rowCount } = await executor.query({
    name: 'place-feed-batch',
    text: `
      with placed as (
        select id, nextval('feed_position_seq') as feed_position
          from (select id from order_transitions where feed_position is null order by seq limit ${BATCH_SIZE}) unplaced
      )
      update order_transitions t set feed_position = p.feed_position
        from placed p where t.id = p.id`,
  });
  return rowCount ?? 0;
}

/** Whether any change waits for its position. */
export async function hasUnplacedChanges(executor: SqlExecutor): Promise<boolean> {
  const { rows } = await executor.query({
    name: 'has-unplaced-changes',
    text: 'select 1 from order_transitions where feed_position is null order by seq limit 1',
  });
  return rows.length > 0;
}
