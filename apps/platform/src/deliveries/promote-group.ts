/**
 * Moves what can move at many endpoints in one transaction: five round trips and one commit for all of them, where
 * each alone takes as many. Why every point of promote.ts still holds:
 *
 * 1. *Commit, then look* is about who begins after whose commit. All of a group have been looked at in one statement
 *    that began after the commits of everybody who asked for it (create-looks.ts).
 * 2. *One decision at a time.* The group moves at those endpoints only whose locks it got, in statements that start
 *    after that: each endpoint's share is what its own transaction would have done. It never waits for such a lock.
 *    Whose lock is held goes alone, and waits, because its holder may have begun before the commit that is looked at.
 * 3. – 5. are about a lane, and no lane has two endpoints. Rooms and oldest heads are reckoned for each endpoint.
 *
 * *Deadlocks.* Whoever waits for an endpoint's lock (a look alone, `putBackUnclaimed`, a hold round, a change of the
 * endpoint's state) holds none yet, and a group waits for none, so groups and these only ever wait for each other in
 * one direction. Two groups share no endpoint and hence no row. What is left are those who lock deliveries without the
 * endpoint's lock: changes that supersede, claims, records, probes. Each statement of theirs and of the group's locks by
 * id, but a group has two statements, and a change may supersede at two endpoints of it: each could come to wait for
 * the other. So could, for longer, a group for a transaction that somebody forgot. Therefore a group waits no longer
 * than GROUP_LOCK_TIMEOUT_MS for a lock, less than PostgreSQL takes to look for a deadlock (1 s): it lets go of
 * everything, and each endpoint goes alone.
 *
 * *Whatever fails*, fails at one endpoint: a refusal by the lanes' index, a lock, a constraint. Nothing of the group
 * has happened then, and each endpoint goes alone, with the patience and the repetitions of promote.ts.
 */
import type { Database } from '../database/create-database.ts';
import { isDatabaseUnavailable } from '../database/database-errors.ts';
import { withTransaction } from '../database/sql-executor.ts';
import { moveUnderLock, NOTHING_PROMOTED, type Promoted } from './promote.ts';
import { lockFreeEndpoints, type Movable } from './promote-sql.ts';

/** With windows of 64 these are 4 096 deliveries: some 100 ms in which the endpoints' locks are held. */
export const MAX_GROUP = 64;
const GROUP_LOCK_TIMEOUT_MS = 500;

export interface GroupPromoted {
  readonly promoted: Promoted;
  /** Those of which nothing was moved: to be moved by `promoteAlone`. */
  readonly left: readonly Movable[];
}

/**
 * @param group of different endpoints, at most MAX_GROUP
 * @throws an `isDatabaseUnavailable` error; any other one of the group leaves all of it
 */
export async function promoteGroup(
  database: Pick<Database, 'pool'>,
  group: readonly Movable[],
): Promise<GroupPromoted> {
  const together = group.filter(({ isDeleted }) => !isDeleted);
  // What is left of a deleted endpoint is much at once, and there is no company for one.
  if (together.length < 2) return { promoted: NOTHING_PROMOTED, left: group };
  try {
    return await withTransaction(
      database.pool,
      async (client) => {
        const ids = together.map(({ endpointId }) => endpointId);
        const locked = await lockFreeEndpoints(client, ids);
        const left = group.filter(({ endpointId }) => !locked.has(endpointId));
        if (locked.size === 0) return { promoted: NOTHING_PROMOTED, left };
        const free = together.filter(({ endpointId }) => locked.has(endpointId));
        return { promoted: await moveUnderLock(client, free), left };
      },
      { lockTimeoutMs: GROUP_LOCK_TIMEOUT_MS },
    );
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    return { promoted: NOTHING_PROMOTED, left: group };
  }
}
