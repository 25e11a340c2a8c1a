/**
 * Looks at many endpoints at once: those whose looks are asked for in the same few milliseconds are looked at by one
 * statement, and what can move at several of them is moved in one transaction (promote-group.ts). A busy process ends
 * hundreds of deliveries a second, and most of them leave nothing behind that could move.
 *
 * Each look still begins after the call that asks for it: it goes with a batch that has not begun, never with one that
 * has. And what goes alone, because somebody holds its endpoint's lock, holds up nobody else of its batch. A few go alone
 * at once, and wait for ALONE_LOCK_TIMEOUT_MS at most: then the relay looks again. So what somebody holds for longer, a
 * transaction that was forgotten, keeps a few connections of the pool and no other endpoint.
 */
import { createBatches, createSingles } from '../database/create-batches.ts';
import type { Database } from '../database/create-database.ts';
import { type Promoted, promoteAlone } from './promote.ts';
import { MAX_GROUP, promoteGroup } from './promote-group.ts';
import { findMovable, type Look, type Movable } from './promote-sql.ts';

const MAX_LOOKS = 128;
/** A second one begins without waiting for the first; more would only make each smaller. */
const MAX_STATEMENTS = 2;
/** One may wait for a lock; the others go on. */
const MAX_TRANSACTIONS = 3;
const MAX_ALONE = 3;
/** As long as until the relay's next tick: what holds an endpoint's lock takes some milliseconds. */
const ALONE_LOCK_TIMEOUT_MS = 1_000;

/** What was found is being handed over. */
export interface Looked {
  readonly handedOver: Promise<void>;
}

const NOTHING_FOUND: Looked = { handedOver: Promise.resolve() };

/**
 * @param handOver is told once of what a group has moved. Never rejects
 * @returns a function that looks at an endpoint of which no other look is under way
 */
export function createLooks(
  database: Pick<Database, 'pool'>,
  handOver: (promoted: Promoted) => Promise<void>,
): (look: Look) => Promise<Looked> {
  const finds = createBatches<Look, Movable | null>({
    async work(looks) {
      const found = new Map(
        (await findMovable(database.pool, looks)).map((movable) => [movable.endpointId, movable]),
      );
      return looks.map(({ endpointId }) => found.get(endpointId) ?? null);
    },
    maxItems: MAX_LOOKS,
    maxUnderWay: MAX_STATEMENTS,
  });
  const moves = createBatches<Movable, Looked | null>({
    async work(group) {
      const { promoted, left } = await promoteGroup(database, group);
      const looked = { handedOver: handOver(promoted) };
      return group.map((movable) => (left.includes(movable) ? null : looked));
    },
    maxItems: MAX_GROUP,
    maxUnderWay: MAX_TRANSACTIONS,
  });
  const movesAlone = createSingles<Movable, Promoted>(
    (movable) => promoteAlone(database, movable, ALONE_LOCK_TIMEOUT_MS),
    MAX_ALONE,
  );

  return async (look) => {
    const movable = await finds.hand(look);
    if (movable === null) return NOTHING_FOUND;
    const looked = await moves.hand(movable);
    return looked ?? { handedOver: handOver(await movesAlone.hand(movable)) };
  };
}
