/**
 * Opens finished deliveries again: the one way from `delivered`, `failed` and `superseded` back to `blocked` or
 * `waiting`. Id (the `webhook-id`) and body stay, attempt numbers go on, the retry budget is new.
 *
 * Why it fits in with everything else that moves a lane:
 *
 * 1. *Whoever opens a delivery holds its order's row lock*: a change, by updating the order in the statement that
 *    inserts; a re-opening, by a lock taken in a statement before. So two re-openings of a lane come one after the
 *    other, and the later one's statement, begun under the lock, sees what the earlier one committed: of two
 *    resends of one delivery the second finds it open. An erasure of personal data takes the same lock: a body is
 *    never opened again after it was overwritten, nor overwritten while it is open.
 * 2. *It takes its place in the lane*: `blocked` when anything of it is open, else `waiting`. What is open and not
 *    seen would have been opened by somebody with the lock; what is seen open may have ended meanwhile, and then
 *    the look after commit finds a lane without a head (promote.ts), as after a change. So it never makes a second
 *    head.
 * 3. *A change may miss it.* A change waits for the lock inside its one statement, so it may insert on a snapshot
 *    that lacks the re-opened delivery. If that one is the lane's head by then, the unique index refuses the
 *    change's own and the change is decided again. If it is `blocked`, behind a head that ended in between, the
 *    change's delivery becomes the head before it: a first send ahead of a resend. That breaks no promise (first
 *    sends start in the order of versions; a resend may come later: what is re-opened has ended once, so the
 *    change would not have waited for it a moment earlier) and strands nothing: whoever ends that head looks at
 *    the lane. Deliveries that are not re-opened are all seen: the change read the version before its own in an
 *    earlier statement, so what that version and those before it inserted had been committed.
 * 4. *An endpoint that closes meanwhile* keeps it `waiting`, and a deleted one has it cancelled by the look after
 *    commit, whichever of the two committed first. No endpoint's lock is needed: nothing enters the queue here.
 * 5. *Old jobs are void.* Whatever job of an earlier round is still about carries an earlier generation.
 */
import type { Database } from '../database/create-database.ts';
import { retryTransient, type SqlExecutor, withTransaction } from '../database/sql-executor.ts';
import { lockOrders, type ReopenedDelivery, reopenDeliveries } from './reopen-sql.ts';

/**
 * Opens one delivery again for a resend.
 *
 * @returns what became of it, null when it is gone; after it the caller looks at its lane (`promote`)
 */
export function reopenForResend(
  { pool }: Pick<Database, 'pool'>,
  { deliveryId, orderId }: { readonly deliveryId: string; readonly orderId: string },
): Promise<ReopenedDelivery | null> {
  return retryTransient(() =>
    withTransaction(pool, (client) => reopenUnderLock(client, deliveryId, orderId)),
  );
}

async function reopenUnderLock(
  executor: SqlExecutor,
  deliveryId: string,
  orderId: string,
): Promise<ReopenedDelivery | null> {
  await lockOrders(executor, [orderId], 'wait');
  const [reopened] = await reopenDeliveries(executor, [deliveryId], { by: 'resend' });
  return reopened ?? null;
}
