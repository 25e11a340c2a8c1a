/** What gets lost on the way, and how it is delivered all the same. */
import {
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { claimDelivery } from '@vendor-server/worker/deliveries/claim-sql.ts';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { respond } from '../receiver/steps.ts';
import { createTcpProxy, type TcpProxy } from '../system/create-tcp-proxy.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('a delivery', { concurrent: false }, () => {
    let stage: DeliveryStage;
    let receiver: Receiver;
    /** The only way to the queue, for API and worker. */
    let proxy: TcpProxy;

    beforeEach(async () => {
      receiver = await createReceiver();
      if (redisUrl !== null) proxy = await createTcpProxy(redisUrl);
      stage = await createDeliveryStage({
        redisUrl: redisUrl === null ? null : proxy.url,
        async toQueueDatabaseUrl(databaseUrl) {
          if (redisUrl !== null) return databaseUrl;
          proxy = await createTcpProxy(databaseUrl);
          return proxy.url;
        },
      });
    });
    afterEach(async () => {
      await receiver.close();
      await stage.close();
      await proxy.close();
      await emptyQueue();
    });

    const pool = () => stage.database.pool;

    async function emptyQueue(): Promise<void> {
      if (redisUrl === null) return;
      const redis = new Redis(redisUrl);
      await redis.flushdb();
      redis.disconnect();
    }

    /** As after a crash of the queue that lost everything. */
    async function loseQueue(): Promise<void> {
      await emptyQueue();
      if (redisUrl === null) await pool().query('delete from bullmq.job');
    }

    async function createOrder(): Promise<string> {
      const { customerServerId } = await stage.addEndpoint({ url: receiver.url('/hook') });
      return stage.createOrder(customerServerId);
    }

    async function readDelivery(orderId: string) {
      const [delivery] = await readDeliveries(pool(), orderId);
      if (delivery === undefined) throw new Error('there is no delivery');
      return delivery;
    }

    const waitForStates = (orderId: string, states: string[]) =>
      until(async () => expect(await readStates(pool(), orderId)).toEqual(states));

    test('whose job the queue lost is given another one', async () => {
      const orderId = await createOrder();
      await stage.change(orderId, 'assigned');
      await stage.drainChanges();
      await loseQueue();
      await pool().query(`update deliveries set job_due_at = job_due_at - interval '3 s'`);
      await stage.startWorker();
      await waitForStates(orderId, ['delivered', 'delivered']);
      expect(await readDelivery(orderId)).toMatchObject({ generation: 2, attemptCount: 1 });
      expect(receiver.requests.map((request) => request.header('x-webhook-version'))).toEqual(['1', '2']);
    });

    test('whose retry the queue lost goes on with its budget', async () => {
      receiver.answer('/hook', respond(503), respond(200));
      const worker = await stage.startWorker();
      const { customerServerId } = await stage.addEndpoint({
        url: receiver.url('/hook'),
        retryDelaysMs: [9_000],
      });
      const orderId = await stage.createOrder(customerServerId);
      await until(async () => expect((await readDelivery(orderId)).budgetUsed).toBe(1));
      await worker.stop();
      await loseQueue();
      await pool().query(
        `update deliveries set due_at = due_at - interval '12 s', job_due_at = due_at - interval '12 s'`,
      );
      await stage.startWorker();
      await waitForStates(orderId, ['delivered']);
      const { id, generation, budgetUsed } = await readDelivery(orderId);
      expect({ generation, budgetUsed }).toEqual({ generation: 2, budgetUsed: 2 });
      expect(await readAttempts(pool(), id)).toMatchObject([
        { number: 1, trigger: 'first' },
        { number: 2, trigger: 'retry' },
      ]);
    });

    test('of a change while the queue is away is made when it is back', async () => {
      await stage.startWorker();
      await proxy.cut();
      const orderId = await createOrder();
      await stage.change(orderId, 'assigned');
      await stage.drainChanges();
      expect(await readStates(pool(), orderId)).toEqual(['queued', 'blocked']);
      expect(receiver.requests).toEqual([]);
      expect(stage.logLines).toContainEqual(
        expect.objectContaining({ msg: 'Delivery queue is away: the relay will add its jobs' }),
      );
      await proxy.restore();
      await waitForStates(orderId, ['delivered', 'delivered']);
      expect(receiver.requests.map((request) => request.header('x-webhook-version'))).toEqual(['1', '2']);
    });

    test('that a dead worker had claimed is made by another when its lease has run out', async () => {
      const orderId = await createOrder();
      await stage.change(orderId, 'assigned');
      await stage.drainChanges();
      const { id } = await readDelivery(orderId);
      await claimDelivery(pool(), { deliveryId: id, generation: 1 }, 'dead', 10_000);
      await pool().query('update deliveries set claimed_until = clock_timestamp() where id = $1', [id]);
      // Ended only once the database has been calm for five seconds.
      await stage.startWorker();
      await waitForStates(orderId, ['delivered', 'delivered']);
      expect(await readDelivery(orderId)).toMatchObject({ generation: 2, attemptCount: 2, budgetUsed: 1 });
      expect(await readAttempts(pool(), id)).toMatchObject([
        { number: 1, trigger: 'first', outcome: 'interrupted' },
        { number: 2, trigger: 'resume', outcome: 'acknowledged' },
      ]);
      expect(receiver.requests.map((request) => request.header('x-webhook-attempt'))).toEqual(['2', '1']);
    });

    test('that is being made when its worker stops is finished first, and made once', async () => {
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      receiver.answer('/hook', async (answering) => {
        await opened;
        await respond(200)(answering);
      });
      const worker = await stage.startWorker();
      const orderId = await createOrder();
      await receiver.waitForCount(1);
      const stopped = worker.stop();
      await stage.change(orderId, 'assigned');
      await stage.drainChanges();
      expect(await readStates(pool(), orderId)).toEqual(['queued', 'blocked']);
      open();
      expect(await stopped).toBe('clean');
      expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued']);
      expect(receiver.requests).toHaveLength(1);
      await stage.startWorker();
      await waitForStates(orderId, ['delivered', 'delivered']);
      expect(receiver.requests).toHaveLength(2);
    });
  });
});
