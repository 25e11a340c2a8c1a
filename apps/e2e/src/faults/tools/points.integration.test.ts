/** How BullMQ adds jobs is written down nowhere but in its source: that the point of it is met is tried here. */

import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import type { DeliveryJobRequest } from '@vendor-server/platform/queue/delivery-job.ts';
import { createDeliveryQueue, type DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { createTestDatabase, type TestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createWires, type Wires } from './create-wires.ts';
import { POINTS } from './points.ts';

const logger = createLoggerTo({ write: () => undefined }, { name: 'test', level: 'fatal' });

function buildJob(): DeliveryJobRequest {
  const data = { orderId: createId(), version: 1, status: 'pending', endpointHost: '127.0.0.1:9' };
  return { delayMs: 0, data: { deliveryId: createId(), generation: 1, ...data } };
}

describe.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('an add', () => {
    let subject: TestDatabase;
    let wires: Wires;
    let watched: DeliveryQueue;
    let direct: DeliveryQueue;

    beforeAll(async () => {
      subject = await createTestDatabase();
      wires = await createWires(subject.url, redisUrl);
      const { DATABASE_URL: databaseUrl, REDIS_URL: wiredRedisUrl = null } = wires.env;
      watched = createDeliveryQueue({ databaseUrl, redisUrl: wiredRedisUrl, logger });
      direct = createDeliveryQueue({ databaseUrl: subject.url, redisUrl, logger });
      // Redis is connected in the background.
      for (const queue of [watched, direct]) await vi.waitFor(() => queue.ping());
    });
    afterAll(async () => {
      await direct.close();
      await watched.close();
      await wires.close();
      await subject.drop();
    });

    test.for([1, 3])(
      'of %i is caught when the queue has the jobs and before that is known',
      async (count) => {
        const jobs = Array.from({ length: count }, buildJob);
        const trap = wires.catchAt(POINTS['job added, answer not arrived']);
        const added = watched.add(jobs).then(() => 'added');
        const caught = await trap.sprung;
        for (const { data } of jobs)
          expect(await direct.stateOf(data.deliveryId, data.generation)).toBe('live');
        caught.release();
        expect(await added).toBe('added');
      },
    );
  });
});
