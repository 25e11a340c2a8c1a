import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { LOCK_KEYS } from '@vendor-server/platform/database/lock-keys.ts';
import {
  type ExclusiveLoop,
  startExclusiveLoop,
} from '@vendor-server/platform/database/start-exclusive-loop.ts';
import type { Logger } from 'pino';

/** Nobody minds by how many seconds a hold of days is passed. */
const LOOK_AGAIN_MS = 5_000;

/**
 * Gives up what was held too long, in one process at a time over all workers.
 *
 * @param round true when there is more to do at once
 */
export function startHolds(
  database: Pick<Database, 'pool'>,
  round: () => Promise<boolean>,
  logger: Logger,
): ExclusiveLoop {
  return startExclusiveLoop(database, {
    lockKey: LOCK_KEYS.holds,
    intervalMs: LOOK_AGAIN_MS,
    tick: round,
    onError: (error) =>
      logger.warn({ err: error }, 'Held deliveries could not be looked at; it will be tried again'),
  });
}
