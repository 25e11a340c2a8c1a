/**
 * Decides what an endpoint sends next. Why nothing is left standing and nothing overtakes:
 *
 * 1. *Commit, then look.* Whoever makes a delivery `blocked` or `waiting`, ends one, or opens an endpoint,
 *    looks after its own commit (`promote`, or one of many in create-looks.ts). Of two that race, the one that looks second sees the other's
 *    commit, so at least one of them finds what became movable; nobody waits for a timer. (A process that
 *    dies between commit and look is what the relay's rotation is for.) So it is enough to move what the look found
 *    before it took the lock: whoever made something movable since then looks, too.
 * 2. *One decision at a time.* The move happens under the endpoint's advisory lock, in statements that start
 *    after the lock was taken: in READ COMMITTED each sees everything the lock's last holder committed, so the
 *    window is never overfilled here and two promotes never pick the same head.
 * 3. *Lowest version first.* `moveLanesNext` takes the lowest blocked version of a lane without a head. A change
 *    that commits meanwhile has a higher version and is itself `blocked`, because it saw the blocked one; only
 *    one that was opened again a moment ago it may have missed (see reopen.ts).
 * 4. *The latest only*, where the endpoint wants that: a change replaces what it finds unclaimed, a record what it
 *    would try again; what neither saw of the other (the change found a claim, the record no newer change) is
 *    replaced here, because both look after their commits. A delivery that is replaced here may have a job, which
 *    then finds nothing to do; one that was claimed first is left, and its record looks again.
 * 5. *The index has the last word.* At most one `waiting` or `queued` delivery per lane is a unique index. If
 *    any of the above were wrong, or a change missed what was opened again, a transaction fails and no order is
 *    broken; whoever was refused looks again.
 *
 * Many endpoints at once: promote-group.ts.
 */
import type { Database } from '../database/create-database.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import { retryTransient, type SqlExecutor, withTransaction } from '../database/sql-executor.ts';
import type { DeliveryJobData } from '../queue/delivery-job.ts';
import {
  cancelForDeletedEndpoint,
  findMovable,
  lockEndpoint,
  type Movable,
  moveDueHeads,
  moveLanesNext,
} from './promote-sql.ts';

export interface Promoted {
  /** To be added, now that everything they name has committed. */
  readonly jobs: readonly DeliveryJobData[];
  /** How many ended because their endpoint was deleted. */
  readonly cancelled: number;
  /** How many ended because a newer change of their lane replaces them. */
  readonly superseded: number;
}

/** More than lanes that get a head just then, in one look after the other. */
const MAX_REFUSALS = 4;

export const NOTHING_PROMOTED: Promoted = { jobs: [], cancelled: 0, superseded: 0 };

/**
 * Moves the lanes' next deliveries and the endpoint's due heads, as far as the window allows.
 *
 * @param orderIds the lanes to look at besides the endpoint's heads
 */
export async function promote(
  database: Pick<Database, 'pool'>,
  endpointId: string,
  orderIds: readonly string[],
): Promise<Promoted> {
  const [movable] = await findMovable(database.pool, [{ endpointId, orderIds }]);
  return movable === undefined ? NOTHING_PROMOTED : promoteAlone(database, movable);
}

/**
 * Moves what was found, after whoever holds the endpoint's lock.
 *
 * @param lockTimeoutMs how long it waits for a lock at most; null for as long as a statement may take
 */
export async function promoteAlone(
  database: Pick<Database, 'pool'>,
  movable: Movable,
  lockTimeoutMs: number | null = null,
): Promise<Promoted> {
  for (let refusals = 1; ; refusals += 1) {
    try {
      return await retryTransient(() =>
        withTransaction(database.pool, (client) => lockAndMove(client, movable), { lockTimeoutMs }),
      );
    } catch (error) {
      // A lane got its head from a change that has committed by now: next time it is seen. Another lane may get one.
      if (!isUniqueViolation(error, 'deliveries_lane_head_key') || refusals === MAX_REFUSALS) throw error;
    }
  }
}

async function lockAndMove(client: SqlExecutor, movable: Movable): Promise<Promoted> {
  const { endpointId, isDeleted } = movable;
  await lockEndpoint(client, endpointId);
  if (!isDeleted) return moveUnderLock(client, [movable]);
  return { ...NOTHING_PROMOTED, cancelled: await cancelForDeletedEndpoint(client, endpointId) };
}

/**
 * Moves what was found of endpoints that are not deleted, in a transaction that took their locks in a statement before.
 */
export async function moveUnderLock(client: SqlExecutor, movables: readonly Movable[]): Promise<Promoted> {
  const hasLanes = movables.some(({ orderIds }) => orderIds.length > 0);
  const { superseded } = hasLanes ? await moveLanesNext(client, movables) : NOTHING_PROMOTED;
  const jobs = await moveDueHeads(
    client,
    movables.map(({ endpointId }) => endpointId),
  );
  return { ...NOTHING_PROMOTED, jobs, superseded };
}
