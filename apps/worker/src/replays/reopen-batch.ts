/**
 * One batch of a replay at one endpoint: in one transaction it opens what comes next and moves the replay's place
 * there, so that whoever dies anywhere leaves both done or neither, and nothing is opened twice or left out.
 *
 * - *The place's row lock* keeps a second process out: it finds the lock, or the place moved on.
 * - *Orders are locked by id, and a busy one is not waited for*: the batch ends before it. Meanwhile nothing of
 *   this endpoint is kept locked; the next batch begins with it.
 * - *How much may be opened* is what keeps new changes prompt. An opened delivery is due at once, and heads go in
 *   the order of their due times, so a new change waits behind every one that waits. Therefore all replays of an
 *   endpoint together fill at most half of its window: what they open goes to the queue at once, and the other
 *   half is free for changes. Those that are blocked, or wait for a later retry, keep nobody waiting; they are
 *   bounded, too, so that an endpoint that fails gets a few hundred open deliveries and not its whole history.
 * - *How much is looked at* is bounded as well: a million delivered ones between two that failed cost many small
 *   batches and no long one.
 */

import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import {
  lockOrders,
  type ReopenedDelivery,
  reopenDeliveries,
} from '@vendor-server/platform/deliveries/reopen-sql.ts';
import { type LookedAt, lockPlace, lookOn, movePlace, type ReplayPlace } from './replay-sql.ts';

const MAX_UNDER_WAY = 500;
const MAX_LOOKED_AT = 2_000;

export interface ReopenedBatch {
  readonly opened: readonly ReopenedDelivery[];
  /** Whether the place is another one now. */
  readonly hasMoved: boolean;
}

const NOTHING: ReopenedBatch = { opened: [], hasMoved: false };

/**
 * Opens what comes next for a replay at an endpoint, as far as there is room.
 *
 * @param transaction in which nothing else is done; after its commit the caller looks at the lanes of `opened`
 */
export async function reopenBatch(
  transaction: SqlExecutor,
  replayId: string,
  endpointId: string,
): Promise<ReopenedBatch> {
  const place = await lockPlace(transaction, replayId, endpointId);
  if (place === null) return NOTHING;
  const move = { matched: 0, reopened: 0, cursor: place.cursor };
  if (place.isEndpointDeleted) {
    await movePlace(transaction, replayId, endpointId, { ...move, isFinished: true });
    return { opened: [], hasMoved: true };
  }
  const room = countRoom(place);
  if (room === 0) return NOTHING;

  const found = await lookOn(transaction, endpointId, place, room, MAX_LOOKED_AT);
  const free = await takeUntilBusy(transaction, found);
  const isFinished = free.length === found.length && (found.at(-1)?.isLast ?? true);
  const cursor = free.at(-1) ?? place.cursor;
  if (free.length === 0 && !isFinished) return NOTHING;

  const matching = free.filter(({ matches }) => matches).map(({ deliveryId }) => deliveryId);
  const { states } = place;
  const asked = await reopenDeliveries(transaction, matching, { by: 'replay', replayId, states });
  const opened = asked.filter(({ state }) => state !== null);
  const counts = { matched: matching.length, reopened: opened.length };
  await movePlace(transaction, replayId, endpointId, { cursor, isFinished, ...counts });
  return { opened, hasMoved: true };
}

/** At least one fits into the smallest window; a broken endpoint (window 0) has one wait for its first room. */
function countRoom({ window, onTheirWay, underWay }: ReplayPlace): number {
  const share = Math.max(Math.floor(window / 2), 1);
  return Math.max(Math.min(share - onTheirWay, MAX_UNDER_WAY - underWay), 0);
}

/** What comes before the first one whose order somebody else is working on. */
async function takeUntilBusy(
  transaction: SqlExecutor,
  found: readonly LookedAt[],
): Promise<readonly LookedAt[]> {
  const orderIds = new Set(found.filter(({ matches }) => matches).map(({ orderId }) => orderId));
  const locked = new Set(await lockOrders(transaction, [...orderIds], 'skip'));
  const firstBusy = found.findIndex(({ matches, orderId }) => matches && !locked.has(orderId));
  return firstBusy === -1 ? found : found.slice(0, firstBusy);
}
