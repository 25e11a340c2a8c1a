import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { LOCK_KEYS } from '@vendor-server/platform/database/lock-keys.ts';
import {
  type ExclusiveLoop,
  startExclusiveLoop,
} from '@vendor-server/platform/database/start-exclusive-loop.ts';
import type { Logger } from 'pino';

/** Nobody minds by how many minutes what is kept for days is kept longer. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Runs one sweep after the other, in one process at a time over all workers.
 *
 * @param sweepOn gives the pause after a batch, in milliseconds; null at the end of a sweep
 */
export function startSweeps(
  database: Pick<Database, 'pool'>,
  sweepOn: () => Promise<number | null>,
  logger: Logger,
): ExclusiveLoop {
  const stopping = new AbortController();
  const loop = startExclusiveLoop(database, {
    lockKey: LOCK_KEYS.retention,
    intervalMs: LOOK_AGAIN_MS,
    async tick() {
      const pauseMs = await sweepOn();
      if (pauseMs === null) return false;
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      return true;
    },
    onError: (error) => logger.warn({ err: error }, 'Retention could not go on; it will try again'),
  });
  return {
    async stop() {
      stopping.abort();
      await loop.stop();
    },
  };
}
