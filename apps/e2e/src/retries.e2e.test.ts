/** What a customer's server that fails gets to see: which attempts, how far apart, and that its lane waits. */
import { readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import type { ReceivedRequest } from './receiver/received-request.ts';
import { drip, hang, raw, reset, respond, type Step } from './receiver/steps.ts';
import { addCustomerServer, changeEndpoint, type EndpointChanges } from './system/add-customer-server.ts';
import { expectWebhookHead } from './system/check-webhook.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { cancelOrder, createOrder } from './system/walk-order.ts';

/** So that a test of what is retried does not wait for how long. */
const QUICK = { retryDelaysMs: [100, 100, 100] };

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('a webhook that is not taken', () => {
    let receiver: Receiver;
    let system: System;
    let worker: ListeningProcess;

    beforeAll(async () => {
      receiver = await createReceiver();
      system = await createSystem({ redisUrl });
      [, worker] = await Promise.all([system.startApi(), system.startWorker()]);
    });
    afterAll(async () => {
      await system.stop();
      await receiver.close();
    });

    /** An order of two changes, made at once, whose first webhook is answered by `steps`. */
    async function announceTo(path: string, changes: EndpointChanges | null, ...steps: Step[]) {
      const isFirst = (request: ReceivedRequest) => request.header('x-webhook-version') === '1';
      receiver.answer((request) => request.path === path && isFirst(request), ...steps);
      const customerServer = await addCustomerServer(system, receiver.url(path));
      if (changes !== null) await changeEndpoint(system, customerServer, changes);
      const orderId = await createOrder(customerServer);
      await cancelOrder(customerServer, orderId);
      const [first, second] = await waitUntilEnded(system.database, orderId, 2);
      const inbox = openInbox(receiver, orderId);
      return {
        orderId,
        customerServer,
        delivery: first!,
        inbox,
        summary: inbox.summary(),
        states: [first!.state, second!.state],
        attempts: await readAttempts(system.database.pool, first!.id),
      };
    }

    test('is sent again after 1 s and 2 s, the same but for its times, and its lane waits', async () => {
      const { orderId, customerServer, delivery, inbox, summary } = await announceTo(
        '/comes-back',
        null,
        respond(503),
        respond(503),
        respond(200),
      );
      expect(summary).toEqual(['1 pending #1', '1 pending #2', '1 pending #3', '2 cancelled #1']);
      const requests = inbox.requests().slice(0, 3);
      for (const [index, request] of requests.entries()) {
        const expected = { orderId, version: 1, attempt: index + 1, deliveryId: delivery.id };
        expectWebhookHead(request, customerServer, expected);
        expect(request.body.equals(requests[0]!.body)).toBe(true);
      }
      const [first, second, third] = requests;
      expect(second!.receivedAt - first!.answeredAt!).toBeGreaterThanOrEqual(1_000);
      expect(third!.receivedAt - second!.answeredAt!).toBeGreaterThanOrEqual(2_000);

      const fields = { orderId, deliveryId: delivery.id, status: 'pending', previousStatus: null };
      for (const attempt of [1, 2]) {
        expect(
          await worker.log.waitFor('Customer webhook failed, retrying', { ...fields, attempt }),
        ).toMatchObject({ responseStatus: 503, retryInMs: attempt * 1_000, durationMs: expect.any(Number) });
      }
      await worker.log.waitFor('Customer webhook sent successfully', { ...fields, attempt: 3 });
    });

    test('is given up after one first attempt and three retries, and its lane goes on', async () => {
      const { orderId, inbox, summary, states } = await announceTo('/stays-away', null, respond(500));
      expect(summary).toEqual([
        '1 pending #1',
        '1 pending #2',
        '1 pending #3',
        '1 pending #4',
        '2 cancelled #1',
      ]);
      expect(states).toEqual(['failed', 'delivered']);
      const requests = inbox.requests();
      for (const [index, waitMs] of [1_000, 2_000, 3_000].entries()) {
        const gap = requests[index + 1]!.receivedAt - requests[index]!.answeredAt!;
        expect(gap).toBeGreaterThanOrEqual(waitMs);
      }
      expect(await worker.log.waitFor('Customer webhook failed', { orderId })).toMatchObject({
        level: 'error',
        attempt: 4,
        responseStatus: 500,
        endReason: 'retries_exhausted',
      });
    });

    test.for([400, 302])('is given up at once after %i', async (status) => {
      const path = `/refuses-${status}`;
      const { orderId, summary, states } = await announceTo(path, null, respond(status));
      expect(summary).toEqual(['1 pending #1', '2 cancelled #1']);
      expect(states).toEqual(['failed', 'delivered']);
      expect(await worker.log.waitFor('Customer webhook failed', { orderId })).toMatchObject({
        attempt: 1,
        responseStatus: status,
      });
    });

    test.for<[outcome: string, name: string, step: Step]>([
      ['rejected', 'answers 429', respond(429)],
      ['connection_failed', 'resets', reset()],
      ['malformed_response', 'answers no HTTP', raw('rubbish\r\n\r\n', { thenClose: true })],
    ])('is sent again: %s, when a receiver %s', async ([outcome, name, step]) => {
      const { summary, attempts } = await announceTo(
        `/${encodeURIComponent(name)}`,
        QUICK,
        step,
        respond(200),
      );
      expect(summary).toEqual(['1 pending #1', '1 pending #2', '2 cancelled #1']);
      expect(attempts).toMatchObject([
        { trigger: 'first', outcome },
        { trigger: 'retry', outcome: 'acknowledged' },
      ]);
    });

    test('is sent again when no answer comes in time', async () => {
      const changes = { ...QUICK, timeoutMs: 500 };
      const { summary, attempts } = await announceTo('/hangs', changes, hang(), respond(200));
      expect(summary).toEqual(['1 pending #1', '1 pending #2', '2 cancelled #1']);
      expect(attempts).toMatchObject([
        { outcome: 'timed_out', responseStatus: null },
        { outcome: 'acknowledged' },
      ]);
    });

    test('is taken once the head of a 200 is there, however slow its body', async () => {
      const { summary, states } = await announceTo('/drips', null, drip(200, 100));
      expect(summary).toEqual(['1 pending #1', '2 cancelled #1']);
      expect(states).toEqual(['delivered', 'delivered']);
    });

    test('is not sent to an endpoint that is paused, and goes out in order when it is resumed', async () => {
      const customerServer = await addCustomerServer(system, receiver.url('/paused'));
      const other = await addCustomerServer(system, receiver.url('/not-paused'));
      await changeEndpoint(system, customerServer, { state: 'paused' });
      const orderId = await createOrder(customerServer);
      await cancelOrder(customerServer, orderId);
      // Later, and yet delivered: what is held holds nobody up.
      await waitUntilEnded(system.database, await createOrder(other), 1);
      const inbox = openInbox(receiver, orderId);
      expect(inbox.summary()).toEqual([]);

      await changeEndpoint(system, customerServer, { state: 'active' });
      await waitUntilEnded(system.database, orderId, 2);
      expect(inbox.summary()).toEqual(['1 pending #1', '2 cancelled #1']);
    });
  });
});
