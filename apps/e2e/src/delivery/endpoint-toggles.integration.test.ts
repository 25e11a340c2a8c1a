/**
 * Endpoints that are paused, disabled, opened and deleted at random while orders change and webhooks are on their way,
 * over both queues: each change arrives exactly once and in order, or, of what was deleted, is sent no more.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { buildApp } from '@vendor-server/api/app.ts';
import {
  findLanesWithTwoHeads,
  findOvertakenLanes,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { createReportSettler, putBackIfClosed } from '@vendor-server/worker/deliveries/settle-reports.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { createDeliveryStage, type DeliveryStage, type StageEndpoint } from './create-delivery-stage.ts';
import { until } from './until.ts';

const ORDERS = 6;
/** Of each endpoint, at least. */
const TOGGLES = 5;
const STEPS = ['assigned', 'in_progress', 'completed'] as const;
const CHANGES = ORDERS * (1 + STEPS.length);
const GONE = {
  signal: 'answered',
  begunAt: new Date(),
  isProbe: false,
  askedWaitMs: 0,
  successes: null,
  reason: 'rejected 410',
  responseStatus: 410,
  isFailure: true,
} as const;

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('while orders change', { timeout: 60_000 }, () => {
    let stage: DeliveryStage;
    let app: ReturnType<typeof buildApp>;
    let receiver: Receiver;

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

    async function act(method: 'POST' | 'DELETE', endpointId: string, action = '') {
      const url = `/api/admin/webhook-endpoints/${endpointId}${action}`;
      const authorization = `Bearer ${stage.api.settings.adminApiKeys[0]}`;
      const { statusCode } = await app.inject({ method, url, headers: { authorization } });
      // Refused when another one was first, as when two people act at once.
      expect([200, 409]).toContain(statusCode);
    }

    /** As workers do that are answered 410 for three orders. */
    async function disable(endpointId: string, url: string): Promise<void> {
      const settler = createReportSettler(stage.database, Math.random);
      const reports = ['a', 'b', 'c'].map((orderId) => ({ ...GONE, url, orderId }));
      const settled = await settler.settle({ endpointId, reports });
      if (settled !== null) await putBackIfClosed(stage.database, endpointId, settled);
    }

    async function changeOrders(customerServerId: string): Promise<string[]> {
      return Promise.all(
        Array.from({ length: ORDERS }, async () => {
          const orderId = await stage.createOrder(customerServerId);
          for (const status of STEPS) await stage.change(orderId, status);
          return orderId;
        }),
      );
    }

    async function countStates(endpointId: string): Promise<Record<string, number>> {
      const { rows } = await pool().query<{ state: string; count: number }>(
        'select state, count(*)::int as count from deliveries where endpoint_id = $1 group by state',
        [endpointId],
      );
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    }

    const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);

    function versionsOf(path: string, orderId: string): number[] {
      return requestsTo(path)
        .filter((request) => request.header('x-webhook-order-id') === orderId)
        .map((request) => Number(request.header('x-webhook-version')));
    }

    test('an endpoint that is closed and opened at random is told everything once and in order', async () => {
      const customerServerId = await stage.addCustomerServer();
      const endpoints: (StageEndpoint & { path: string })[] = [];
      for (const path of ['/toggled-1', '/toggled-2']) {
        endpoints.push({ ...(await stage.addEndpoint({ customerServerId, url: receiver.url(path) })), path });
      }
      const changed = new AbortController();
      const toggling = endpoints.map(async ({ endpointId, path }) => {
        for (let n = 0; !changed.signal.aborted || n < TOGGLES; n += 1) {
          const closings = [
            () => act('POST', endpointId, '/pause'),
            () => disable(endpointId, receiver.url(path)),
          ];
          await closings[Math.floor(Math.random() * closings.length)]?.();
          await delay(Math.random() * 30);
          // Both at once: one of them finds the endpoint in the other's state, and is refused.
          await Promise.all([act('POST', endpointId, '/resume'), act('POST', endpointId, '/enable')]);
          await delay(Math.random() * 30);
        }
      });
      const orderIds = await changeOrders(customerServerId).finally(() => changed.abort());
      await Promise.all(toggling);
      for (const { endpointId, path } of endpoints) {
        await until(async () => expect(await countStates(endpointId)).toEqual({ delivered: CHANGES }));
        for (const orderId of orderIds) expect(versionsOf(path, orderId)).toEqual([1, 2, 3, 4]);
      }
      expect(await findStrandedLanes(pool())).toEqual([]);
      expect(await findLanesWithTwoHeads(pool())).toEqual([]);
      expect(await findOvertakenLanes(pool())).toEqual([]);
      const changes = stage.logLines.filter(({ msg }) => msg === 'Webhook endpoint state changed');
      const opened = changes.filter(({ from }) => from === 'paused' || from === 'disabled');
      expect(opened.length).toBeGreaterThanOrEqual(TOGGLES * endpoints.length);
    });

    test('an endpoint that is deleted meanwhile is sent nothing more, and another one everything', async () => {
      const customerServerId = await stage.addCustomerServer();
      const kept = await stage.addEndpoint({ customerServerId, url: receiver.url('/kept') });
      const deleted = await stage.addEndpoint({ customerServerId, url: receiver.url('/deleted') });
      const changing = changeOrders(customerServerId);
      await until(() => expect(requestsTo('/deleted').length).toBeGreaterThan(2));
      await act('DELETE', deleted.endpointId);
      const orderIds = await changing;
      await until(async () => expect(await countStates(kept.endpointId)).toEqual({ delivered: CHANGES }));
      for (const orderId of orderIds) expect(versionsOf('/kept', orderId)).toEqual([1, 2, 3, 4]);
      await until(async () =>
        expect(Object.keys(await countStates(deleted.endpointId)).toSorted()).toEqual([
          'cancelled',
          'delivered',
        ]),
      );
      const { delivered } = await countStates(deleted.endpointId);
      expect(requestsTo('/deleted')).toHaveLength(delivered ?? 0);
      const { rows } = await pool().query(
        `select d.id from deliveries d join delivery_attempts a on a.delivery_id = d.id
          where d.endpoint_id = $1 and d.state = 'cancelled'`,
        [deleted.endpointId],
      );
      expect(rows).toEqual([]);
    });
  });
});
