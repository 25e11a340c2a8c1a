/** A worker that dies, is held up or is told to stop while it waits for an answer, with the settings everybody has. */
import { readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends, testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { hang, respond, type Step } from './receiver/steps.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { createGate } from './system/create-gate.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { createTcpProxy } from './system/create-tcp-proxy.ts';
import { cancelOrder, createOrder } from './system/walk-order.ts';

/** How long a lane may stand still because its worker died. */
const LANE_RESUMES_WITHIN_MS = 20_000;
/** How long a worker may take to stop. */
const STOPS_WITHIN_MS = 15_000;
/** As many as a new endpoint is sent at once. */
const AT_ONCE = 16;

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('a worker that is', () => {
    let receiver: Receiver;

    beforeAll(async () => {
      receiver = await createReceiver();
    });
    afterAll(() => receiver.close());

    async function startSystem(onFinished: (stop: () => Promise<void>) => void) {
      // Two systems on one Redis database would take each other's jobs.
      const system = await createSystem({ redisUrl: redisUrl === null ? null : testRedisUrl() });
      onFinished(() => system.stop());
      const [, worker] = await Promise.all([system.startApi(), system.startWorker()]);
      return { system, worker };
    }

    /** An order of two changes whose first webhook is on its way, answered by `steps`. */
    async function sendOne(system: System, path: string, ...steps: Step[]) {
      receiver.answer(
        (request) => {
          return request.path === path && request.header('x-webhook-version') === '1';
        },
        ...steps,
      );
      const customerServer = await addCustomerServer(system, receiver.url(path));
      const orderId = await createOrder(customerServer);
      const inbox = openInbox(receiver, orderId);
      await inbox.waitFor(1);
      await cancelOrder(customerServer, orderId);
      return { orderId, inbox };
    }

    test('killed, and its successor too: their lanes go on, and only what they had on its way comes twice', async ({
      onTestFinished,
    }) => {
      const { system, worker } = await startSystem(onTestFinished);
      const before = await sendOne(system, '/before', respond(200));
      await waitUntilEnded(system.database, before.orderId, 2);

      // The only one, and started again.
      const alone = await sendOne(system, '/alone', hang(), respond(200));
      const killedAt = [await kill(worker)];
      const successor = await system.startWorker();
      // One of two.
      const inPair = await sendOne(system, '/in-pair', hang(), respond(200));
      await system.startWorker();
      killedAt.push(await kill(successor));

      for (const [index, { orderId, inbox }] of [alone, inPair].entries()) {
        await inbox.waitFor(1, 2);
        expect(performance.now() - killedAt[index]!).toBeLessThan(LANE_RESUMES_WITHIN_MS);
        const [first] = await waitUntilEnded(system.database, orderId, 2);
        expect(inbox.summary()).toEqual(['1 pending #1', '1 pending #2', '2 cancelled #1']);
        const [interrupted, resumed] = inbox.requests();
        expect(resumed!.header('webhook-id')).toBe(interrupted!.header('webhook-id'));
        expect(resumed!.body.equals(interrupted!.body)).toBe(true);
        expect(first).toMatchObject({ state: 'delivered', attemptCount: 2, budgetUsed: 1 });
        expect(await readAttempts(system.database.pool, first!.id)).toMatchObject([
          { outcome: 'interrupted' },
          { trigger: 'resume', outcome: 'acknowledged' },
        ]);
      }
      expect(before.inbox.summary()).toEqual(['1 pending #1', '2 cancelled #1']);
    });

    test('held up beyond its lease loses its lane, and what it does later changes nothing', async ({
      onTestFinished,
    }) => {
      const { system, worker } = await startSystem(onTestFinished);
      const gate = createGate();
      const { orderId, inbox } = await sendOne(system, '/held-up', gate.before(respond(200)), respond(200));
      worker.signal('SIGSTOP');
      gate.open();
      await system.startWorker();
      const [first] = await waitUntilEnded(system.database, orderId, 2);
      worker.signal('SIGCONT');
      await worker.log.waitFor('Webhook answered after its lease ran out', { orderId });

      expect(inbox.summary()).toEqual(['1 pending #1', '1 pending #2', '2 cancelled #1']);
      expect(await readAttempts(system.database.pool, first!.id)).toMatchObject([
        { outcome: 'interrupted', error: expect.stringContaining('after its lease ran out') },
        { trigger: 'resume', outcome: 'acknowledged' },
      ]);
    });

    test('told to stop while its database is away, or does not answer, stops in time', async ({
      onTestFinished,
    }) => {
      const system = await createSystem({ redisUrl: redisUrl === null ? null : testRedisUrl() });
      // It finds that the worker did not end well, which is what this is about.
      onTestFinished(() => system.stop().catch(() => undefined));
      const proxy = await createTcpProxy(system.databaseUrl);
      onTestFinished(() => proxy.close());
      const [, worker] = await Promise.all([
        system.startApi(),
        system.startWorker({ DATABASE_URL: proxy.url }),
      ]);
      const gate = createGate();
      receiver.answer('/away', gate.before(respond(200)));
      const customerServer = await addCustomerServer(system, receiver.url('/away'));
      const orders = Array.from({ length: AT_ONCE }, () => createOrder(customerServer));
      for (const orderId of await Promise.all(orders)) await openInbox(receiver, orderId).waitFor(1);

      // Where the queue is in it, too, that is away with it.
      if (redisUrl === null) proxy.hang();
      else await proxy.cut();
      gate.open();
      const toldAt = performance.now();
      worker.signal('SIGTERM');
      // With answers in its hands that it could not record.
      expect(await worker.ended).toBe('exit code 1');
      expect(performance.now() - toldAt).toBeLessThan(STOPS_WITHIN_MS);
    });

    test('told to stop waits for its answers and stops in time, and the next one goes on', async ({
      onTestFinished,
    }) => {
      const { system, worker } = await startSystem(onTestFinished);
      const gate = createGate();
      const answered = await sendOne(system, '/answered', gate.before(respond(200)));
      const unanswered = await sendOne(system, '/unanswered', hang(), respond(200));

      const toldAt = performance.now();
      worker.signal('SIGTERM');
      await worker.log.waitFor('Stopping');
      gate.open();
      expect(await worker.ended).toBe('exit code 0');
      expect(performance.now() - toldAt).toBeLessThan(STOPS_WITHIN_MS);

      await system.startWorker();
      await waitUntilEnded(system.database, answered.orderId, 2);
      expect(answered.inbox.summary()).toEqual(['1 pending #1', '2 cancelled #1']);
      const [first] = await waitUntilEnded(system.database, unanswered.orderId, 2);
      expect(unanswered.inbox.summary()).toEqual(['1 pending #1', '1 pending #2', '2 cancelled #1']);
      expect(await readAttempts(system.database.pool, first!.id)).toMatchObject([
        { outcome: 'timed_out' },
        { trigger: 'retry', outcome: 'acknowledged' },
      ]);
    });
  });
});

/** @returns when, on the monotonic clock */
async function kill(worker: ListeningProcess): Promise<number> {
  const killedAt = performance.now();
  await worker.kill();
  return killedAt;
}
