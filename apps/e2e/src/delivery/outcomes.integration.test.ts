/** What an endpoint does, and what becomes of the delivery: the whole way, over both queues. */
import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import {
  type AttemptRow,
  readAttempts,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { closeEarly, drip, hang, hugeHeaders, raw, rawFlood, respond, type Step } from '../receiver/steps.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const TWO_LENGTHS = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('an endpoint', () => {
    let stage: DeliveryStage;
    let receiver: Receiver;
    let paths = 0;

    beforeAll(async () => {
      receiver = await createReceiver();
      stage = await createDeliveryStage({ redisUrl });
      await stage.startWorker();
    });
    afterAll(async () => {
      await receiver.close();
      await stage.close();
    });

    const pool = () => stage.database.pool;

    /** A new order whose creation is told to an endpoint that answers with these steps. */
    async function tell(steps: [Step, ...Step[]], options: Parameters<DeliveryStage['addEndpoint']>[0] = {}) {
      paths += 1;
      const path = `/outcome-${paths}`;
      receiver.answer(path, ...steps);
      const endpoint = await stage.addEndpoint({ url: receiver.url(path), ...options });
      const orderId = await stage.createOrder(endpoint.customerServerId);
      const requests = () => receiver.requests.filter((request) => request.path === path);
      return { ...endpoint, orderId, requests };
    }

    async function readDelivery(orderId: string) {
      const [delivery] = await readDeliveries(pool(), orderId);
      if (delivery === undefined) throw new Error('there is no delivery');
      return delivery;
    }

    /** Waits for the delivery's end; gives it and its attempts. */
    async function waitForEnd(orderId: string) {
      await until(async () =>
        expect((await readDelivery(orderId)).state).toMatch(/delivered|failed|cancelled/),
      );
      const delivery = await readDelivery(orderId);
      return { delivery, attempts: await readAttempts(pool(), delivery.id) };
    }

    const outcomesOf = (attempts: readonly AttemptRow[]) =>
      attempts.map(({ outcome, responseStatus }) => [outcome, responseStatus]);
    const reasonsOf = (attempts: readonly AttemptRow[]) => attempts.map(({ reason }) => reason);

    const linesOf = (orderId: string) => stage.logLines.filter((line) => line['orderId'] === orderId);

    test('that answers 200 has it delivered', async () => {
      const { orderId, requests } = await tell([respond(200, { body: { success: true } })]);
      const { delivery, attempts } = await waitForEnd(orderId);
      expect(delivery).toMatchObject({ state: 'delivered', attemptCount: 1, lastOutcome: 'acknowledged' });
      expect(attempts).toMatchObject([
        {
          number: 1,
          trigger: 'first',
          reason: 'accepted',
          responseStatus: 200,
          responseExcerpt: '{"success":true}',
          error: null,
        },
      ]);
      expect(requests()).toHaveLength(1);
      expect(linesOf(orderId)).toMatchObject([
        {
          msg: 'Customer webhook sent successfully',
          level: 'info',
          deliveryId: delivery.id,
          status: 'pending',
          previousStatus: null,
          attempt: 1,
          durationMs: expect.any(Number),
          reason: 'accepted',
          responseStatus: 200,
        },
      ]);
    });

    test('that answers 503 twice is tried again after one and after two seconds', async () => {
      /** The wait that the record of the attempt before had written down, seen while the next one is there. */
      const waits: { plannedMs: number; startedTooEarlyMs: number }[] = [];
      const readWait: Step = async ({ request }) => {
        const { rows } = await pool().query<(typeof waits)[number]>(
          `select (extract(epoch from d.due_at - before.ended_at) * 1000)::float8 as "plannedMs",
                  (extract(epoch from date_trunc('milliseconds', d.due_at) - now.started_at) * 1000)::float8
                    as "startedTooEarlyMs"
             from deliveries d
             join delivery_attempts now on now.delivery_id = d.id and now.attempt_number = d.attempt_count
             join delivery_attempts before on before.delivery_id = d.id
                                          and before.attempt_number = d.attempt_count - 1
            where d.id = $1`,
          [request.header('webhook-id')],
        );
        waits.push(...rows);
      };
      const readWaitThen =
        (step: Step): Step =>
        async (answering) => {
          await readWait(answering);
          await step(answering);
        };
      const { orderId, signingSecret, requests } = await tell(
        [readWaitThen(respond(503)), readWaitThen(respond(503)), readWaitThen(respond(200))],
        { retryDelaysMs: [1_000, 2_000, 3_000] },
      );
      const { delivery, attempts } = await waitForEnd(orderId);
      expect(delivery).toMatchObject({ state: 'delivered', budgetUsed: 3, generation: 1 });
      expect(outcomesOf(attempts)).toEqual([
        ['rejected', 503],
        ['rejected', 503],
        ['acknowledged', 200],
      ]);
      expect(attempts.map(({ trigger }) => trigger)).toEqual(['first', 'retry', 'retry']);
      // The statement reads the clock twice, so the two times may be a moment less or more apart.
      expect(waits.map(({ plannedMs }) => Math.round(plannedMs / 100) * 100)).toEqual([1_000, 2_000]);
      for (const { startedTooEarlyMs } of waits) expect(startedTooEarlyMs).toBeLessThanOrEqual(0);

      // The same bytes under the same id each time; number, time and signature are those of the attempt.
      const [frozen] = (
        await pool().query<{ body: string }>('select body from order_transitions where order_id = $1', [
          orderId,
        ])
      ).rows;
      const sent = requests();
      expect(sent).toHaveLength(3);
      for (const [index, request] of sent.entries()) {
        expect(request.method).toBe('POST');
        expect(request.body.toString()).toBe(frozen?.body);
        expect(request.headers).toMatchObject({
          'webhook-id': delivery.id,
          'x-webhook-attempt': String(index + 1),
          'x-webhook-version': '1',
          'x-webhook-order-id': orderId,
          'x-webhook-event': 'order.status_changed',
          'content-type': 'application/json',
          'user-agent': 'VendorServer-Webhook/1.0',
          'x-webhook-timestamp': attempts[index]?.startedAt.toISOString(),
        });
        const verified = new Webhook(signingSecret).verify(
          request.body.toString(),
          request.headers as Record<string, string>,
        );
        expect(verified).toMatchObject({ orderId, status: 'pending', previousStatus: null, version: 1 });
      }
      expect(linesOf(orderId)).toMatchObject([
        { msg: 'Customer webhook failed, retrying', level: 'warn', attempt: 1, retryInMs: 1_000 },
        { msg: 'Customer webhook failed, retrying', attempt: 2, retryInMs: 2_000, responseStatus: 503 },
        { msg: 'Customer webhook sent successfully', attempt: 3, responseStatus: 200 },
      ]);
    });

    test.each([
      ['400', [respond(400)], ['rejected', 400], 'client_error'],
      ['401', [respond(401)], ['rejected', 401], 'unauthorized'],
      ['410', [respond(410)], ['rejected', 410], 'gone'],
      ['425', [respond(425)], ['rejected', 425], 'client_error'],
      [
        '302',
        [respond(302, { headers: { location: '/elsewhere' } })],
        ['redirected', 302],
        'redirect_not_followed',
      ],
    ] satisfies [string, [Step], unknown, AttemptReason][])(
      'that answers %s has refused it at once',
      async (_what, steps, end, reason) => {
        const { orderId, requests } = await tell(steps);
        const { delivery, attempts } = await waitForEnd(orderId);
        expect(delivery).toMatchObject({ state: 'failed', budgetUsed: 1, lastError: end[0] });
        expect(outcomesOf(attempts)).toEqual([end]);
        expect(reasonsOf(attempts)).toEqual([reason]);
        expect(requests()).toHaveLength(1);
        expect(receiver.requests.filter(({ path }) => path === '/elsewhere')).toEqual([]);
        expect(linesOf(orderId)).toMatchObject([
          {
            msg: 'Customer webhook failed',
            level: 'error',
            attempt: 1,
            responseStatus: end[1],
            reason,
            endReason: end[0],
          },
        ]);
      },
    );

    test.each([
      ['hangs', hang(), ['timed_out', null], 'no_answer'],
      ['closes early', closeEarly(), ['connection_failed', null], 'connection_closed'],
      [
        'speaks no HTTP',
        raw('rubbish\r\n\r\n', { thenClose: true }),
        ['malformed_response', null],
        'invalid_http',
      ],
      ['contradicts itself', raw(TWO_LENGTHS), ['malformed_response', null], 'ambiguous_length'],
      ['sends 1xx without end', rawFlood(CONTINUE), ['malformed_response', null], 'informational_flood'],
      ['has too much to say', hugeHeaders(200, 20_000), ['response_too_large', null], 'headers_too_large'],
      ['is busy', respond(429), ['rejected', 429], 'too_many_requests'],
      ['asks for more time', respond(408), ['rejected', 408], 'request_timeout'],
    ] satisfies [string, Step, unknown, AttemptReason][])(
      'that %s is tried again',
      async (_what, step, first, reason) => {
        const { orderId } = await tell([step, respond(200)], {
          timeoutMs: reason === 'no_answer' ? 500 : 10_000,
        });
        const { delivery, attempts } = await waitForEnd(orderId);
        expect(delivery).toMatchObject({ state: 'delivered', budgetUsed: 2 });
        expect(outcomesOf(attempts)).toEqual([first, ['acknowledged', 200]]);
        expect(reasonsOf(attempts)).toEqual([reason, 'accepted']);
        expect(linesOf(orderId)).toMatchObject([
          { level: 'warn', reason },
          { level: 'info', reason: 'accepted' },
        ]);
      },
    );

    test('that cannot be reached is given up after three retries', async () => {
      const gone = await createReceiver();
      await gone.close();
      const { orderId } = await tell([respond(200)], { url: gone.url('/hook') });
      const { delivery, attempts } = await waitForEnd(orderId);
      expect(delivery).toMatchObject({ state: 'failed', budgetUsed: 4, lastError: 'retries_exhausted' });
      expect(outcomesOf(attempts)).toEqual(Array.from({ length: 4 }, () => ['connection_failed', null]));
      expect(linesOf(orderId)).toMatchObject([
        { msg: 'Customer webhook failed, retrying', retryInMs: 100, responseStatus: null },
        { msg: 'Customer webhook failed, retrying', retryInMs: 200 },
        { msg: 'Customer webhook failed, retrying', retryInMs: 300 },
        { msg: 'Customer webhook failed', endReason: 'retries_exhausted', attempt: 4 },
      ]);
    });

    test('that says 100 unasked, then 200 in pieces that are framed badly, has it delivered', async () => {
      const { orderId } = await tell([
        raw(`${CONTINUE}HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nrubbish`),
      ]);
      const { delivery, attempts } = await waitForEnd(orderId);
      expect(delivery).toMatchObject({ state: 'delivered', attemptCount: 1 });
      expect(reasonsOf(attempts)).toEqual(['accepted']);
    });

    test('whose answer drips has it delivered by its status', async () => {
      const { orderId, requests } = await tell([drip(200, 50)]);
      const { delivery, attempts } = await waitForEnd(orderId);
      expect(delivery).toMatchObject({ state: 'delivered', attemptCount: 1 });
      expect(attempts[0]?.responseExcerpt).toMatch(/^(drip )+/);
      expect(requests()).toHaveLength(1);
    });

    test('that asks for a minute gets it, and the delivery leaves the queue meanwhile', async () => {
      const { orderId } = await tell([respond(503, { headers: { 'retry-after': '60' } })]);
      await until(async () => expect((await readDelivery(orderId)).state).toBe('waiting'));
      expect((await readDelivery(orderId)).dueInMs).toBeGreaterThan(50_000);
    });

    test('that is not there at all is missed in the log', async () => {
      const orderId = await stage.createOrder(await stage.addCustomerServer());
      expect(linesOf(orderId)).toMatchObject([
        {
          msg: 'Customer webhook URL not configured',
          deliveryId: null,
          status: 'pending',
          previousStatus: null,
          attempt: 0,
          durationMs: 0,
          responseStatus: null,
        },
      ]);
    });
  });
});
