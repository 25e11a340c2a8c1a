/** An API that dies, hangs or is told to stop around a commit: what it answered for arrives, what it began is answered. */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { addCustomerServer, type CustomerServer } from './system/add-customer-server.ts';
import { expectAnswerBeforeGivingUp } from './system/check-answer-time.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createQueueSwitch, type QueueSwitch } from './system/create-queue-switch.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { readHealth } from './system/read-health.ts';
import { cancelOrder, createOrder, SERVICE_ORDER } from './system/walk-order.ts';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('an API that is', { concurrent: false }, () => {
    let receiver: Receiver;
    let system: System;
    let queueSwitch: QueueSwitch;
    let worker: ListeningProcess;
    let customerServer: CustomerServer;

    beforeAll(async () => {
      receiver = await createReceiver();
      system = await createSystem({ redisUrl });
      queueSwitch = await createQueueSwitch(system, redisUrl);
      [, worker] = await Promise.all([system.startApi(), system.startWorker()]);
      customerServer = await addCustomerServer(system, receiver.url('/updates'));
    });
    afterAll(async () => {
      await queueSwitch.close();
      await system.stop();
      await receiver.close();
    });

    test('killed right after its answer: what it answered for arrives', async () => {
      const api = await system.startApi();
      const orderId = await createOrder(customerServer);
      await api.kill();
      await waitUntilEnded(system.database, orderId, 1);
      expect(openInbox(receiver, orderId).summary()).toEqual(['1 pending #1']);
    });

    test('killed after its commit and before the queue has the job: the relay makes the job', async () => {
      const api = await system.startApi(queueSwitch.env);
      await waitUntilQueueIsUp(api);
      await queueSwitch.hang();
      const orderId = await createOrder(customerServer);
      await cancelOrder(customerServer, orderId);
      // The answers came while the queue still hung.
      await api.kill();
      await queueSwitch.loseAndResume();

      await waitUntilEnded(system.database, orderId, 2);
      expect(openInbox(receiver, orderId).summary()).toEqual(['1 pending #1', '2 cancelled #1']);
      const moves = worker.log.lines.filter(({ msg }) => msg === 'Relay moved deliveries');
      expect(moves).toContainEqual(expect.objectContaining({ remadeJobs: 1 }));
    });

    test('left waiting by its queue: callers are answered, and everything arrives later', async () => {
      const api = await system.startApi(queueSwitch.env);
      await waitUntilQueueIsUp(api);
      await queueSwitch.hang();
      const orderId = await createOrder(customerServer);
      await cancelOrder(customerServer, orderId);
      await expectAnswerBeforeGivingUp(api.log);
      await queueSwitch.resume();
      await waitUntilEnded(system.database, orderId, 2);
      expect(openInbox(receiver, orderId).summary()).toEqual(['1 pending #1', '2 cancelled #1']);
    });

    test('told to stop answers what it has begun, and what it answered for arrives', async () => {
      const api = await system.startApi();
      const orderId = await createOrder(customerServer);
      // Somebody's transaction holds the order: the change waits for it, in the middle of its request.
      const held = await system.database.pool.connect();
      await held.query('begin');
      await held.query('select 1 from orders where id = $1 for update', [orderId]);
      const cancelled = cancelOrder(customerServer, orderId);
      await waitUntilBlocked(system);
      api.signal('SIGTERM');
      await api.log.waitFor('Stopping');
      await vi.waitFor(() => expect(fetch(`${api.url}/livez`)).rejects.toThrow('fetch failed'));
      await held.query('rollback');
      held.release();

      expect(await cancelled).toMatchObject({ status: 'cancelled', version: 2 });
      expect(await api.ended).toBe('exit code 0');
      await waitUntilEnded(system.database, orderId, 2);
      expect(openInbox(receiver, orderId).summary()).toEqual(['1 pending #1', '2 cancelled #1']);
    });

    test('told to stop under many requests leaves none that it has begun without its answer', async () => {
      const api = await system.startApi();
      const many = await addCustomerServer(system, receiver.url('/many'));
      const answers = Array.from({ length: 30 }, () =>
        many.call<{ orderId: string }>('POST', '/api/external/orders', { body: SERVICE_ORDER }),
      );
      await Promise.race(answers);
      api.signal('SIGTERM');
      const settled = await Promise.allSettled(answers);
      expect(await api.ended).toBe('exit code 0');

      const answered = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([201]));
      const { customerServerId } = many;
      const created = await system.database.prisma.order.findMany({ where: { customerServerId } });
      const answeredIds = answered.map(({ body }) => body.data.orderId);
      expect(answeredIds.sort()).toEqual(created.map(({ id }) => id).sort());
      for (const orderId of answeredIds) {
        await waitUntilEnded(system.database, orderId, 1);
        expect(openInbox(receiver, orderId).summary()).toEqual(['1 pending #1']);
      }
    });
  });
});

function waitUntilQueueIsUp({ url }: ListeningProcess): Promise<void> {
  return vi.waitFor(
    async () => {
      expect(await readHealth(url)).toMatchObject({ body: { checks: { queue: 'up' } } });
    },
    { timeout: 10_000 },
  );
}

/** Waits until some statement waits for a lock. */
function waitUntilBlocked({ database }: System): Promise<void> {
  return vi.waitFor(
    async () => {
      const { rowCount } = await database.pool.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      if (rowCount === 0) throw new Error('no statement waits for a lock');
    },
    { timeout: 20_000 },
  );
}
