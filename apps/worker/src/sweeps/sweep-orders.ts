/**
 * One batch of orders that are over: each goes with its changes, deliveries, attempts and declines, or stays whole.
 *
 * 1. *The order's row is locked first*, as by everybody who opens, erases or changes anything of it. Whoever holds it is
 *    not waited for: the order is left to a later sweep. Whoever comes later waits for the commit and finds no order.
 * 2. *What keeps an order is asked under that lock*, in a statement of its own: nothing of it can be opened any more. It
 *    stays while a delivery of it is open, counted by a replay, or ended as recently as the order may not have, say after
 *    a resend.
 * 3. *Its deliveries are locked next*, by id. So whoever prunes one at this moment is done before its change is deleted,
 *    and does not wait for it while it is waited for.
 * 4. *The feed is told in the same transaction*, last: a reader's one statement sees both the gap and that it is there.
 *    Changes without a place are given one before, and an order that has one all the same stays: later it would be placed
 *    in nobody's feed.
 * 5. *Nothing is left of it*: endpoints that note it among their failures forget it before, and the keys of its time are
 *    gone. A failure noted meanwhile keeps the order until the next sweep.
 *
 * A batch holds few changes, so it is short; a kill leaves all of it or none.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import {
  retryTransient,
  type SqlExecutor,
  withTransaction,
} from '@vendor-server/platform/database/sql-executor.ts';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import {
  deleteOrders,
  type EndedOrder,
  findEndedOrders,
  findRemovable,
  forgetFailures,
  lockDeliveriesOfOrders,
  lockEndedOrders,
  raiseFeedPrunedThrough,
  readContents,
} from './order-sweep-sql.ts';
import type { Removed, SweptBatch } from './swept-batch.ts';

/** Changes that one batch removes, unless a single order has more. */
const MAX_CHANGES = 500;
const LOCK_TIMEOUT_MS = 1_000;

/** Removes of the next `limit` orders those that may go. */
export async function sweepOrders(
  database: Pick<Database, 'pool'>,
  keepDays: number,
  fromAt: Date,
  limit: number,
): Promise<SweptBatch> {
  const ended = await findEndedOrders(database.pool, keepDays, fromAt, limit);
  const looked = takeFew(ended);
  const free = looked.filter(({ isHeld }) => !isHeld);
  if (free.some(({ isUnplaced }) => isUnplaced)) await assignFeedPositions(database);
  const orderIds = free.map(({ orderId }) => orderId);
  const removed = orderIds.length === 0 ? {} : await remove(database, keepDays, orderIds);
  return {
    removed,
    lastAt: looked.at(-1)?.endedAt ?? null,
    isLast: ended.length < limit && looked.length === ended.length,
  };
}

/** The first ones, as long as they have few changes together. */
function takeFew(ended: readonly EndedOrder[]): readonly EndedOrder[] {
  let changes = 0;
  const end = ended.findIndex(({ version }, index) => (changes += version) > MAX_CHANGES && index > 0);
  return end === -1 ? ended : ended.slice(0, end);
}

async function remove(
  { pool }: Pick<Database, 'pool'>,
  keepDays: number,
  orderIds: readonly string[],
): Promise<Removed> {
  await retryTransient(() => forgetFailures(pool, orderIds));
  return retryTransient(() =>
    withTransaction(pool, (transaction) => removeUnderLock(transaction, keepDays, orderIds), {
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    }),
  );
}

async function removeUnderLock(
  transaction: SqlExecutor,
  keepDays: number,
  orderIds: readonly string[],
): Promise<Removed> {
  const locked = await lockEndedOrders(transaction, orderIds);
  await lockDeliveriesOfOrders(transaction, locked);
  const removable = await findRemovable(transaction, keepDays, locked);
  if (removable.length === 0) return {};
  const { transitions, deliveries, attempts, pruneThrough } = await readContents(transaction, removable);
  await deleteOrders(transaction, removable);
  await raiseFeedPrunedThrough(transaction, pruneThrough);
  return { order: removable.length, transition: transitions, delivery: deliveries, attempt: attempts };
}
