import { setTimeout as sleep } from 'node:timers/promises';
import { readQueueBytes } from '@vendor-server/e2e/system/read-queue-bytes.ts';
import { Redis } from 'ioredis';
import type { Stage } from '../stage/create-stage.ts';

const LOOK_EVERY_MS = 250;

export interface QueueBytes {
  /** The most that was seen since it was asked for last. */
  takeMost(): number;
  stop(): Promise<void>;
}

/** Looks at what the queue takes, until it is stopped. */
export async function watchQueueBytes({ database, redisUrl }: Stage): Promise<QueueBytes> {
  const redis = redisUrl === null ? null : new Redis(redisUrl);
  const stopping = new AbortController();
  let most = await readQueueBytes(database.pool, redis);

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      most = Math.max(most, await readQueueBytes(database.pool, redis));
      await sleep(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const watching = watch();
  // Reported by `stop`.
  watching.catch(() => undefined);
  return {
    takeMost() {
      const seen = most;
      most = 0;
      return seen;
    },
    async stop() {
      stopping.abort();
      try {
        await watching;
      } finally {
        redis?.disconnect();
      }
    },
  };
}
