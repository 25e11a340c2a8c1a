/**
 * The relay's looks: at many places, in groups, one after the other. A place that fails keeps none of the others
 * waiting: it may fail in every tick, and always before the same ones. Nor does one whose lock somebody has forgotten
 * keep them for longer than LOCK_TIMEOUT_MS: what it waits for is there in the next tick, too.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { isDatabaseUnavailable } from '@vendor-server/platform/database/database-errors.ts';
import type { LookedAt } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { type Promoted, promoteAlone } from '@vendor-server/platform/deliveries/promote.ts';
import { MAX_GROUP, promoteGroup } from '@vendor-server/platform/deliveries/promote-group.ts';
import { findMovable, type Look, type Movable } from '@vendor-server/platform/deliveries/promote-sql.ts';
import type { Logger } from 'pino';

const LOCK_TIMEOUT_MS = 500;

export interface PromoteManyDeps {
  readonly database: Pick<Database, 'pool'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * @param onPromoted is told of what was moved, as soon as it has committed
 * @throws an `isDatabaseUnavailable` error; others are logged
 */
export async function promoteMany(
  { database, logger }: PromoteManyDeps,
  places: readonly LookedAt[],
  onPromoted: (promoted: Promoted) => void,
): Promise<void> {
  const looks = toLooks(places);
  for (let start = 0; start < looks.length; start += MAX_GROUP) {
    const movables = await findMovable(database.pool, looks.slice(start, start + MAX_GROUP));
    const { promoted, left } = await promoteGroup(database, movables);
    onPromoted(promoted);
    for (const movable of left) await promoteLeft(movable);
  }

  async function promoteLeft(movable: Movable): Promise<void> {
    try {
      onPromoted(await promoteAlone(database, movable, LOCK_TIMEOUT_MS));
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      const { endpointId, orderIds } = movable;
      logger.warn({ err: error, endpointId, orderIds }, 'Promotion failed: the relay will look again');
    }
  }
}

/** One look for each endpoint, at all its lanes. */
function toLooks(places: readonly LookedAt[]): Look[] {
  const lanes = new Map<string, Set<string>>();
  for (const { endpointId, orderId } of places) {
    const orderIds = lanes.get(endpointId) ?? new Set();
    lanes.set(endpointId, orderIds);
    if (orderId !== null) orderIds.add(orderId);
  }
  return [...lanes].map(([endpointId, orderIds]) => ({ endpointId, orderIds: [...orderIds] }));
}
