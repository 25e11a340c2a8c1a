/** What happens to a Redis. None of it may cost anybody a duplicate: the queue is a working set. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PrivateRedis } from '../system/create-private-redis.ts';
import type { Fault } from './fault.ts';
import type { FaultStage } from './stage/create-fault-stage.ts';

const HANGS_MS = 30_000;
const FULL_MS = 10_000;

function queueFault(
  kind: string,
  lastsMs: number,
  harm: (redis: PrivateRedis, stage: FaultStage) => Promise<void>,
): Fault {
  return {
    kind,
    backends: ['redis'],
    lastsMs,
    allowsDuplicates: false,
    delaysRecords: false,
    async inject(stage) {
      if (stage.redis === null) throw new Error('There is no Redis.');
      await harm(stage.redis, stage);
    },
  };
}

/** While it is away, everybody is told to stop and started again. */
async function beAwayAtStart(redis: PrivateRedis, { apis, workers }: FaultStage): Promise<void> {
  await redis.kill();
  try {
    await Promise.all(
      [apis, workers].map(async (role) => {
        const old = role.latest();
        await role.start();
        await role.stop(old);
      }),
    );
  } finally {
    await redis.start();
  }
}

export const QUEUE_FAULTS: readonly Fault[] = [
  queueFault('FLUSHALL', 0, (redis) => redis.flush()),
  queueFault('Redis killed, and started again empty', 0, async (redis) => {
    await redis.kill();
    await redis.start();
  }),
  queueFault('Redis away while processes start', 0, beAwayAtStart),
  queueFault('Redis hung (CLIENT PAUSE)', HANGS_MS, async (redis, { hangMs }) => {
    const forMs = hangMs(HANGS_MS);
    await redis.pause(forMs);
    await delay(forMs);
  }),
  queueFault('Redis hung (SIGSTOP)', HANGS_MS, async (redis, { hangMs }) => {
    redis.hang();
    try {
      await delay(hangMs(HANGS_MS));
    } finally {
      redis.resume();
    }
  }),
  queueFault('Redis out of memory', FULL_MS, async (redis, { hangMs }) => {
    await redis.fillMemory();
    try {
      await delay(hangMs(FULL_MS));
    } finally {
      await redis.freeMemory();
    }
  }),
];
