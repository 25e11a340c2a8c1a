/** Jobs that a worker finds while versions that are neighbours run side by side: not all are as its own API makes them. */
import { buildDeliveryJobId } from '@vendor-server/platform/queue/delivery-job.ts';
import { readDeliveries, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { createReceiver } from '../receiver/create-receiver.ts';
import { createDeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

/** The relay finds a job late after two seconds and watches it for five; it looks once a second. */
const HELPED_WITHIN_MS = 30_000;

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  test.skipIf(skipReason !== null)(
    'fields that are new or missing do not matter; what is not understood is left alone, and delivered all the same',
    { timeout: 60_000 },
    async ({ onTestFinished }) => {
      const receiver = await createReceiver();
      const stage = await createDeliveryStage({ redisUrl });
      onTestFinished(async () => {
        await stage.close();
        await receiver.close();
      });
      const { pool } = stage.database;

      async function rewriteJob(jobId: string, data: object): Promise<void> {
        if (redisUrl === null) {
          await pool.query('update bullmq.job set data = $2 where id = $1', [jobId, JSON.stringify(data)]);
          return;
        }
        const redis = new Redis(redisUrl);
        await redis.hset(`bull:deliveries:${jobId}`, 'data', JSON.stringify(data));
        redis.disconnect();
      }

      const { customerServerId } = await stage.addEndpoint({ url: receiver.url('/hook') });
      /** @param change of the data of its job */
      async function createOrder(change: (data: Record<string, unknown>) => object) {
        const orderId = await stage.createOrder(customerServerId);
        await stage.drainChanges();
        const [delivery] = await readDeliveries(pool, orderId);
        const jobId = buildDeliveryJobId(delivery?.id ?? '', 1);
        const job = await stage.api.queue.inspector.findJob(jobId);
        const data = change(job?.toJSON().data as unknown as Record<string, unknown>);
        await rewriteJob(jobId, data);
        return { orderId, jobId, data };
      }

      const withMore = await createOrder((data) => ({ ...data, priority: 'high', shard: { number: 3 } }));
      const withLess = await createOrder(({ deliveryId, generation }) => ({ deliveryId, generation }));
      const unknown = await createOrder(({ deliveryId }) => ({ delivery: { id: deliveryId, turn: 1 } }));
      await stage.startWorker();
      for (const { orderId } of [withMore, withLess]) {
        await until(async () => expect(await readStates(pool, orderId)).toEqual(['delivered']));
        expect(await readDeliveries(pool, orderId)).toMatchObject([{ generation: 1, attemptCount: 1 }]);
      }

      const readJob = async () => {
        const job = await stage.api.queue.inspector.findJob(unknown.jobId);
        const { data, attemptsMade } = job?.toJSON() ?? {};
        return { state: await job?.getState(), data, attemptsMade };
      };
      const leftAlone = { state: 'delayed', data: unknown.data, attemptsMade: 0 };
      await until(async () => expect(await readJob()).toEqual(leftAlone));
      expect(await readStates(pool, unknown.orderId)).toEqual(['queued']);
      await vi.waitFor(async () => expect(await readStates(pool, unknown.orderId)).toEqual(['delivered']), {
        timeout: HELPED_WITHIN_MS,
        interval: 50,
      });
      expect(await readDeliveries(pool, unknown.orderId)).toMatchObject([{ generation: 2, attemptCount: 1 }]);
      const told = receiver.requests.map((request) => request.header('x-webhook-order-id'));
      expect(told).toHaveLength(3);
      expect(new Set(told)).toEqual(new Set([withMore.orderId, withLess.orderId, unknown.orderId]));

      // A version that understands it finds it as it was; this one looked at it once.
      expect(await readJob()).toEqual(leftAlone);
      const looks = stage.logLines.filter(({ msg }) => msg === 'A job of an unknown shape is left alone');
      expect(looks).toEqual([expect.objectContaining({ level: 'error', jobId: unknown.jobId })]);
    },
  );
});
