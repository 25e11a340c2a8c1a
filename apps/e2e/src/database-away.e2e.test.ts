/**
 * A database that is away: the API says so and both processes come back by themselves. One story on one
 * system, told in the order of its tests.
 */
import { readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, type CustomerServer } from './system/add-customer-server.ts';
import { createGate } from './system/create-gate.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { createTcpProxy, type TcpProxy } from './system/create-tcp-proxy.ts';
import { readHealth } from './system/read-health.ts';
import { cancelOrder, createOrder, SERVICE_ORDER } from './system/walk-order.ts';

const TWO_CHANGES = ['1 pending #1', '2 cancelled #1'];

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('a database that', { concurrent: false }, () => {
    let receiver: Receiver;
    let system: System;
    let proxy: TcpProxy;
    let api: ListeningProcess;
    let worker: ListeningProcess;
    let customerServer: CustomerServer;

    beforeAll(async () => {
      receiver = await createReceiver();
      system = await createSystem({ redisUrl });
      proxy = await createTcpProxy(system.databaseUrl);
      const env = { DATABASE_URL: proxy.url };
      [api, worker] = await Promise.all([system.startApi(env), system.startWorker(env)]);
      customerServer = await addCustomerServer(system, receiver.url('/updates'));
    });
    afterAll(async () => {
      await system.stop();
      await proxy.close();
      await receiver.close();
    });

    async function waitUntilReady(): Promise<void> {
      await vi.waitFor(
        async () => {
          for (const { url } of [api, worker]) expect(await readHealth(url)).toMatchObject({ status: 200 });
        },
        { timeout: 20_000, interval: 100 },
      );
    }

    test('goes away: nothing is taken, what is on its way is recorded later and not sent again', async () => {
      const gate = createGate();
      receiver.answer(({ path }) => path === '/gated', gate.before(respond(200)));
      const gated = await addCustomerServer(system, receiver.url('/gated'));
      const orderId = await createOrder(gated);
      const inbox = openInbox(receiver, orderId);
      await inbox.waitFor(1);
      await cancelOrder(gated, orderId);
      await proxy.cut();

      const body = { ...SERVICE_ORDER, customerId: 'customer-while-away' };
      for (const [method, path] of [
        ['POST', '/api/external/orders'],
        ['GET', `/api/external/orders/${orderId}`],
      ] as const) {
        const answer = await customerServer.call(method, path, method === 'POST' ? { body } : {});
        expect(answer).toMatchObject({
          status: 503,
          body: { ok: false, code: 'database_unavailable', error: expect.any(String) },
        });
        expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'));
        expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
      }
      for (const { url } of [api, worker]) {
        expect(await readHealth(url)).toMatchObject({ status: 503, body: { checks: { database: 'down' } } });
        expect((await fetch(`${url}/livez`)).status).toBe(200);
      }
      gate.open();
      await worker.log.waitFor('Attempt could not be recorded yet');
      await proxy.restore();
      await waitUntilReady();

      const [first] = await waitUntilEnded(system.database, orderId, 2);
      expect(inbox.summary()).toEqual(TWO_CHANGES);
      expect(await readAttempts(system.database.pool, first!.id)).toMatchObject([
        { outcome: 'acknowledged', responseStatus: 200 },
      ]);
      const { customerId } = body;
      expect(await system.database.prisma.order.count({ where: { customerId } })).toBe(0);
    });

    test('was away: both work on as if nothing had been', async () => {
      const orderId = await createOrder(customerServer);
      await cancelOrder(customerServer, orderId);
      await waitUntilEnded(system.database, orderId, 2);
      expect(openInbox(receiver, orderId).summary()).toEqual(TWO_CHANGES);
    });

    test('does not answer for a while: who waited for it gets an answer after all', async () => {
      proxy.hang();
      const created = createOrder(customerServer);
      const health = await readHealth(api.url);
      expect(health).toMatchObject({ status: 503, body: { checks: { database: 'down' } } });
      await proxy.restore();
      const orderId = await created;
      await waitUntilEnded(system.database, orderId, 1);
      expect(openInbox(receiver, orderId).summary()).toEqual(['1 pending #1']);
      await waitUntilReady();
    });

    test('is away when they start: they wait for it', async () => {
      await proxy.cut();
      const env = { DATABASE_URL: proxy.url };
      const starting = Promise.all([system.startApi(env), system.startWorker(env)]);
      for (const { log } of system.processes.slice(-2)) {
        await log.waitFor('Database is away; waiting for it');
        expect(log.text).not.toContain('ready');
      }
      await proxy.restore();
      [api, worker] = await starting;
      await waitUntilReady();
    });
  });
});
