/** Endpoints as their owners manage them through the API, with webhooks really sent: the whole way, over both queues. */
import { setTimeout as delay } from 'node:timers/promises';
import { buildApp } from '@vendor-server/api/app.ts';
import { createCustomerServer } from '@vendor-server/platform/customer-servers/create-customer-server.ts';
import { readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findOvertakenLanes, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import type { ReceivedRequest } from '../receiver/received-request.ts';
import { hang, respond, type Step } from '../receiver/steps.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('a customer server', () => {
    let stage: DeliveryStage;
    let app: ReturnType<typeof buildApp>;
    let receiver: Receiver;
    let paths = 0;

    beforeAll(async () => {
      receiver = await createReceiver();
      stage = await createDeliveryStage({ redisUrl });
      app = buildApp(stage.api);
      await stage.startWorker();
    });
    afterAll(async () => {
      await app.close();
      await receiver.close();
      await stage.close();
    });

    const pool = () => stage.database.pool;

    /** A customer server, and endpoints that it makes itself, each at a path of its own. */
    async function addTenant() {
      const { customerServerId, secret } = await stage.database.prisma.$transaction((transaction) =>
        createCustomerServer(transaction, stage.api.secretBox, { name: 'Test', webhookUrl: null }),
      );
      async function call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) {
        const url = `/api/external/webhook-endpoints${path}`;
        const headers = { 'x-customer-secret': secret };
        const answer = await app.inject({ method, url, headers, ...(payload && { payload }) });
        expect([200, 201]).toContain(answer.statusCode);
        return answer.json().data;
      }
      return {
        customerServerId,
        secret,
        async addEndpoint(preferences: object, ...steps: Step[]) {
          const path = nextPath(...steps);
          const created = await call('POST', '', { url: receiver.url(path), ...preferences });
          const endpointId = String(created.endpointId);
          return {
            endpointId,
            signingSecret: String(created.signingSecret),
            requests: () => requestsTo(path),
            call: (method: Parameters<typeof call>[0], action = '', payload?: object) =>
              call(method, `/${endpointId}${action}`, payload),
          };
        },
      };
    }

    function nextPath(...steps: Step[]): string {
      paths += 1;
      const path = `/endpoint-${paths}`;
      receiver.answer(path, ...steps);
      return path;
    }

    const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);
    const versionsOf = (requests: readonly ReceivedRequest[]) =>
      requests.map((request) => Number(request.header('x-webhook-version')));
    const verify = (request: ReceivedRequest | undefined, signingSecret: string) =>
      new Webhook(signingSecret).verify(
        request?.body.toString() ?? '',
        (request?.headers ?? {}) as Record<string, string>,
      );

    async function readDeliveriesTo(endpointId: string) {
      const { rows } = await pool().query<{ id: string; version: number; state: string }>(
        `select id, order_version as version, state from deliveries where endpoint_id = $1
          order by order_id, order_version`,
        [endpointId],
      );
      return rows;
    }
    const statesTo = async (endpointId: string) =>
      (await readDeliveriesTo(endpointId)).map(({ state }) => state);

    /** Waits for the end of the endpoint's only delivery; gives its attempts. */
    async function waitForEnd(endpointId: string, state: string) {
      await until(async () => expect(await statesTo(endpointId)).toEqual([state]));
      const [delivery] = await readDeliveriesTo(endpointId);
      return readAttempts(pool(), delivery?.id ?? '');
    }

    test('has each endpoint told of its statuses, signed by its own secret', async () => {
      const tenant = await addTenant();
      const every = await tenant.addEndpoint({});
      const ends = await tenant.addEndpoint({ statuses: ['completed'], sendSharedSecret: true });
      const middle = await tenant.addEndpoint({ statuses: ['assigned', 'in_progress'] });
      const orderId = await stage.createOrder(tenant.customerServerId);
      for (const status of ['assigned', 'in_progress', 'completed'] as const) {
        await stage.change(orderId, status);
      }
      await until(() => expect(versionsOf(every.requests())).toEqual([1, 2, 3, 4]));
      await until(() => expect(versionsOf(ends.requests())).toEqual([4]));
      await until(() => expect(versionsOf(middle.requests())).toEqual([2, 3]));

      for (const { requests, signingSecret } of [every, ends, middle]) {
        expect(verify(requests()[0], signingSecret)).toMatchObject({ orderId });
      }
      expect(() => verify(every.requests()[0], ends.signingSecret)).toThrow('No matching signature found');
      expect(ends.requests()[0]?.header('x-vendor-server-secret')).toBe(tenant.secret);
      expect(every.requests()[0]?.header('x-vendor-server-secret')).toBeUndefined();
    });

    test('has its own delays and time-out kept, and none of another endpoint', async () => {
      const tenant = await addTenant();
      const patient = await tenant.addEndpoint({ retryDelaysMs: [150] }, respond(503));
      const hasty = await tenant.addEndpoint({ timeoutMs: 500, retryDelaysMs: [] }, hang());
      const usual = await tenant.addEndpoint({}, respond(503));
      await stage.createOrder(tenant.customerServerId);

      const retried = await waitForEnd(patient.endpointId, 'failed');
      expect(retried).toHaveLength(2);
      const [first, second] = retried;
      expect((second?.startedAt.getTime() ?? 0) - (first?.endedAt?.getTime() ?? 0)).toBeGreaterThanOrEqual(
        149,
      );

      const [timedOut, ...none] = await waitForEnd(hasty.endpointId, 'failed');
      expect(none).toEqual([]);
      expect(timedOut?.outcome).toBe('timed_out');
      const tookMs = (timedOut?.endedAt?.getTime() ?? 0) - (timedOut?.startedAt.getTime() ?? 0);
      expect(tookMs).toBeGreaterThanOrEqual(499);
      expect(tookMs).toBeLessThan(9_000);

      // The settings': one first attempt and three retries.
      expect(await waitForEnd(usual.endpointId, 'failed')).toHaveLength(4);
    });

    test('has a patched URL and delay hold from the next attempt, statuses from the next change', async () => {
      const tenant = await addTenant();
      const path = nextPath();
      const moved = () => requestsTo(path);
      const endpoint = await tenant.addEndpoint({ retryDelaysMs: [100] }, async (answering) => {
        // While the first attempt is under way.
        await endpoint.call('PATCH', '', {
          url: receiver.url(path),
          retryDelaysMs: [100, 100],
          timeoutMs: 5_000,
        });
        await respond(503)(answering);
      });
      receiver.answer(path, respond(503), respond(200));
      const orderId = await stage.createOrder(tenant.customerServerId);
      await until(() => expect(versionsOf(moved())).toEqual([1, 1]));
      expect(endpoint.requests()).toHaveLength(1);
      const attempts = await waitForEnd(endpoint.endpointId, 'delivered');
      expect(attempts.map(({ responseStatus }) => responseStatus)).toEqual([503, 503, 200]);

      await endpoint.call('PATCH', '', { statuses: ['completed'] });
      await stage.change(orderId, 'assigned');
      await stage.change(orderId, 'completed');
      await until(() => expect(versionsOf(moved())).toEqual([1, 1, 3]));
      await until(async () =>
        expect(await statesTo(endpoint.endpointId)).toEqual(['delivered', 'delivered']),
      );
    });

    test('has both signing secrets sign while they overlap', async () => {
      const tenant = await addTenant();
      const endpoint = await tenant.addEndpoint({});
      const { signingSecret } = await endpoint.call('POST', '/rotate-secret', { overlapHours: 1 });
      await stage.createOrder(tenant.customerServerId);
      await until(() => expect(endpoint.requests()).toHaveLength(1));
      for (const secret of [endpoint.signingSecret, signingSecret]) {
        expect(verify(endpoint.requests()[0], secret)).toMatchObject({ status: 'pending' });
      }
      const { signingSecret: last } = await endpoint.call('POST', '/rotate-secret', { overlapHours: 0 });
      await stage.createOrder(tenant.customerServerId);
      await until(() => expect(endpoint.requests()).toHaveLength(2));
      expect(verify(endpoint.requests()[1], last)).toMatchObject({ status: 'pending' });
      expect(() => verify(endpoint.requests()[1], signingSecret)).toThrow('No matching signature found');
    });

    test('pauses, and gets everything in order once it resumes', async () => {
      const tenant = await addTenant();
      const endpoint = await tenant.addEndpoint({});
      const open = await tenant.addEndpoint({});
      await endpoint.call('POST', '/pause');
      const orderId = await stage.createOrder(tenant.customerServerId);
      await stage.change(orderId, 'assigned');
      await stage.change(orderId, 'completed');
      await until(() => expect(versionsOf(open.requests())).toEqual([1, 2, 3]));
      expect(endpoint.requests()).toEqual([]);
      expect((await endpoint.call('GET')).health).toMatchObject({ state: 'paused', pending: 3 });
      await endpoint.call('POST', '/resume');
      await until(() => expect(versionsOf(endpoint.requests())).toEqual([1, 2, 3]));
      await until(async () => expect((await endpoint.call('GET')).health.pending).toBe(0));
      expect((await endpoint.call('GET')).health.lastSuccessAt).toMatch(/^\d{4}-.*Z$/);
    });

    test('pauses and resumes again and again while orders change: each is told once and in order', async () => {
      const tenant = await addTenant();
      const endpoint = await tenant.addEndpoint({});
      const toggling = (async () => {
        for (let n = 0; n < 6; n += 1) {
          await endpoint.call('POST', '/pause');
          await delay(15);
          await endpoint.call('POST', '/resume');
        }
      })();
      const orderIds = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const orderId = await stage.createOrder(tenant.customerServerId);
          for (const status of ['assigned', 'in_progress', 'completed'] as const) {
            await stage.change(orderId, status);
          }
          return orderId;
        }),
      );
      await toggling;
      await until(async () =>
        expect(await statesTo(endpoint.endpointId)).toEqual(Array(32).fill('delivered')),
      );
      for (const orderId of orderIds) {
        const requests = endpoint
          .requests()
          .filter((request) => request.header('x-webhook-order-id') === orderId);
        expect(versionsOf(requests)).toEqual([1, 2, 3, 4]);
      }
      expect(await findStrandedLanes(pool())).toEqual([]);
      expect(await findOvertakenLanes(pool())).toEqual([]);
    });

    test('deletes an endpoint under way: the attempt is recorded, nothing is sent after it', async () => {
      const tenant = await addTenant();
      const endpoint = await tenant.addEndpoint({ retryDelaysMs: [100, 100] }, async (answering) => {
        await stage.change(answering.request.header('x-webhook-order-id') ?? '', 'assigned');
        await endpoint.call('DELETE');
        await respond(503)(answering);
      });
      await stage.createOrder(tenant.customerServerId);
      await until(async () =>
        expect(await statesTo(endpoint.endpointId)).toEqual(['cancelled', 'cancelled']),
      );
      const [first, second] = await readDeliveriesTo(endpoint.endpointId);
      expect(await readAttempts(pool(), first?.id ?? '')).toMatchObject([{ responseStatus: 503 }]);
      expect(await readAttempts(pool(), second?.id ?? '')).toEqual([]);
      expect(endpoint.requests()).toHaveLength(1);
    });

    test('sees since when and how an endpoint fails, and that it recovered', async () => {
      const tenant = await addTenant();
      let answer = respond(503);
      const endpoint = await tenant.addEndpoint({ retryDelaysMs: [100, 100, 100, 100] }, (answering) =>
        answer(answering),
      );
      await stage.createOrder(tenant.customerServerId);
      await until(async () =>
        expect((await endpoint.call('GET')).health).toMatchObject({
          state: 'struggling',
          reason: expect.stringMatching(
            /^\d attempts in a row failed since .*Z, the last one with: rejected 503\.$/,
          ),
        }),
      );
      answer = respond(200);
      await stage.createOrder(tenant.customerServerId);
      await until(async () =>
        expect((await endpoint.call('GET')).health).toMatchObject({
          state: 'healthy',
          reason: null,
          consecutiveFailures: 0,
        }),
      );
      const changes = () =>
        stage.logLines.filter(
          (line) =>
            line['endpointId'] === endpoint.endpointId && line['msg'] === 'Webhook endpoint state changed',
        );
      await until(() =>
        expect(changes()).toMatchObject([
          { from: 'healthy', to: 'struggling' },
          { from: 'struggling', to: 'healthy' },
        ]),
      );
    });
  });
});
