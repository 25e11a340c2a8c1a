/**
 * A queue that is away, hangs, or comes back empty: callers get their answers all the same, and everything is
 * delivered once, in order, when it is there again. One story on one system, told in the order of its tests.
 */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, type CustomerServer } from './system/add-customer-server.ts';
import { expectAnswerBeforeGivingUp } from './system/check-answer-time.ts';
import { createGate } from './system/create-gate.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createPrivateRedis, type PrivateRedis } from './system/create-private-redis.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { readHealth } from './system/read-health.ts';
import { cancelOrder, createOrder } from './system/walk-order.ts';

const TWO_CHANGES = ['1 pending #1', '2 cancelled #1'];

const inRedis = testQueueBackends().filter(({ name }) => name === 'redis');

describe.for(inRedis)('$title', ({ skipReason }) => {
  describe.skipIf(skipReason !== null)('a queue that is away', () => {
    let receiver: Receiver;
    let redis: PrivateRedis;
    let system: System;
    let api: ListeningProcess;
    let worker: ListeningProcess;
    let customerServer: CustomerServer;

    beforeAll(async () => {
      receiver = await createReceiver();
      redis = await createPrivateRedis();
      system = await createSystem({ redisUrl: redis.url });
      [api, worker] = await Promise.all([system.startApi(), system.startWorker()]);
      customerServer = await addCustomerServer(system, receiver.url('/updates'));
    });
    afterAll(async () => {
      try {
        await system.stop();
      } finally {
        await redis.close();
        await receiver.close();
      }
    });

    /** Whatever the queue does, both are answered. */
    async function createAndCancel(): Promise<string> {
      const orderId = await createOrder(customerServer);
      await cancelOrder(customerServer, orderId);
      return orderId;
    }

    async function expectDelivered(orderIds: readonly string[]): Promise<void> {
      for (const orderId of orderIds) {
        await waitUntilEnded(system.database, orderId, 2);
        expect(openInbox(receiver, orderId).summary()).toEqual(TWO_CHANGES);
      }
    }

    async function waitUntilUp(): Promise<void> {
      await vi.waitFor(
        async () => {
          for (const { url } of [api, worker]) {
            const health = await readHealth(url);
            expect(health).toMatchObject({ status: 200, body: { checks: { queue: 'up' } } });
          }
        },
        { timeout: 20_000, interval: 100 },
      );
    }

    test('from the start', async () => {
      const orderId = await createAndCancel();
      expect(await readHealth(api.url)).toMatchObject({
        status: 200,
        body: { checks: { database: 'up', queue: 'down' } },
      });
      expect(await readHealth(worker.url)).toMatchObject({
        status: 503,
        body: { checks: { database: 'up', queue: 'down' } },
      });
      await redis.start();
      await waitUntilUp();
      await expectDelivered([orderId]);
    });

    test('because it hangs', async () => {
      // One that has not given up on the queue just now.
      api = await system.startApi();
      await waitUntilUp();
      redis.hang();
      const orderIds = [await createAndCancel(), await createAndCancel()];
      await expectAnswerBeforeGivingUp(api.log);
      redis.resume();
      await waitUntilUp();
      await expectDelivered(orderIds);
    });

    test('because it died, with a webhook on its way', async () => {
      const gate = createGate();
      receiver.answer(({ path }) => path === '/gated', gate.before(respond(200)));
      const gated = await addCustomerServer(system, receiver.url('/gated'));
      const onItsWayId = await createOrder(gated);
      await openInbox(receiver, onItsWayId).waitFor(1);
      const leaving = await system.startWorker();
      await redis.kill();
      await cancelOrder(gated, onItsWayId);
      const orderId = await createAndCancel();
      gate.open();
      // What was answered is recorded without the queue.
      await worker.log.waitFor('Customer webhook sent successfully', {
        orderId: onItsWayId,
        status: 'pending',
      });
      expect(openInbox(receiver, orderId).summary()).toEqual([]);
      // Who is told to stop now has nothing left to do, and does not wait for the queue.
      await leaving.stop();

      await redis.start();
      await waitUntilUp();
      await expectDelivered([onItsWayId, orderId]);
    });

    test('because everything in it was lost', async () => {
      // Jobs that nobody takes yet, and one that waits for its retry.
      receiver.answer(({ path }) => path === '/retried', respond(503), respond(200));
      const retried = await addCustomerServer(system, receiver.url('/retried'));
      const retriedId = await createOrder(retried);
      await worker.log.waitFor('Customer webhook failed, retrying', { orderId: retriedId });
      worker.signal('SIGSTOP');
      const orderIds = [await createAndCancel(), await createAndCancel(), await createAndCancel()];
      await redis.flush();
      worker.signal('SIGCONT');

      await expectDelivered(orderIds);
      await waitUntilEnded(system.database, retriedId, 1);
      expect(openInbox(receiver, retriedId).summary()).toEqual(['1 pending #1', '1 pending #2']);
    });
  });
});
