import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { LOCK_KEYS } from '@vendor-server/platform/database/lock-keys.ts';
import {
  type ExclusiveLoop,
  startExclusiveLoop,
} from '@vendor-server/platform/database/start-exclusive-loop.ts';
import type { Logger } from 'pino';

/** How soon a new replay is taken up, and another worker takes over from one that ended. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Runs one round of the replays after the other, in one process at a time over all workers.
 *
 * @param round gives the pause after it, in milliseconds
 */
export function startReplays(
  database: Pick<Database, 'pool'>,
  round: () => Promise<number>,
  logger: Logger,
): ExclusiveLoop {
  return startExclusiveLoop(database, {
    lockKey: LOCK_KEYS.replays,
    intervalMs: LOOK_AGAIN_MS,
    async tick() {
      const pauseMs = await round();
      if (pauseMs >= LOOK_AGAIN_MS) return false;
      await sleep(pauseMs);
      return true;
    },
    onError: (error) => logger.warn({ err: error }, 'Replays could not be worked on; it will be tried again'),
  });
}
