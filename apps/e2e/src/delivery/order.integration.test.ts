/** Who waits for whom: versions of an order, orders of an endpoint, endpoints of a customer server. */
import { readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import {
  findLanesWithTwoHeads,
  findOvertakenLanes,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { respond, type Step } from '../receiver/steps.ts';
import { createGate } from '../system/create-gate.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('deliveries', { concurrent: false }, () => {
    let stage: DeliveryStage;
    let receiver: Receiver;
    let paths = 0;

    beforeAll(async () => {
      receiver = await createReceiver();
      stage = await createDeliveryStage({ redisUrl });
      await Promise.all([stage.startWorker(), stage.startWorker()]);
    });
    afterAll(async () => {
      await receiver.close();
      // Of everything that all tests did, by two workers at once.
      expect(await findLanesWithTwoHeads(stage.database.pool)).toEqual([]);
      expect(await findOvertakenLanes(stage.database.pool)).toEqual([]);
      expect(await findStrandedLanes(stage.database.pool)).toEqual([]);
      await stage.close();
    });

    async function addEndpoint(...args: [Step?, Parameters<DeliveryStage['addEndpoint']>[0]?]) {
      const [step = respond(200), options = {}] = args;
      paths += 1;
      const path = `/order-${paths}`;
      receiver.answer(path, step);
      const endpoint = await stage.addEndpoint({ url: receiver.url(path), ...options });
      const requests = () => receiver.requests.filter((request) => request.path === path);
      const versionsOf = (orderId: string) =>
        requests()
          .filter((request) => request.header('x-webhook-order-id') === orderId)
          .map((request) => Number(request.header('x-webhook-version')));
      return { ...endpoint, path, requests, versionsOf };
    }

    const waitForStates = (orderId: string, states: string[]) =>
      until(async () => expect(await readStates(stage.database.pool, orderId)).toEqual(states));

    test('of an order come in the order of its versions, one after the other', async () => {
      const gate = createGate();
      const endpoint = await addEndpoint(gate.before(respond(200)));
      const orderId = await stage.createOrder(endpoint.customerServerId);
      for (const to of ['assigned', 'in_progress', 'completed'] as const) await stage.change(orderId, to);
      await receiver.waitFor((request) => request.path === endpoint.path);
      await waitForStates(orderId, ['queued', 'blocked', 'blocked', 'blocked']);
      expect(endpoint.versionsOf(orderId)).toEqual([1]);

      gate.open();
      await waitForStates(orderId, ['delivered', 'delivered', 'delivered', 'delivered']);
      expect(endpoint.versionsOf(orderId)).toEqual([1, 2, 3, 4]);
      const requests = endpoint.requests();
      for (const [index, request] of requests.entries()) {
        const before = requests[index - 1];
        if (before !== undefined)
          expect(request.receivedAt).toBeGreaterThanOrEqual(before.answeredAt ?? Infinity);
      }
      expect(
        requests.map((request) => (request.json() as { previousStatus: string }).previousStatus),
      ).toEqual([null, 'pending', 'assigned', 'in_progress']);
    });

    test('that fail for good let the next version go', async () => {
      const endpoint = await addEndpoint();
      receiver.answer(
        (request) => request.path === endpoint.path && request.header('x-webhook-version') === '1',
        respond(400),
      );
      const orderId = await stage.createOrder(endpoint.customerServerId);
      await stage.change(orderId, 'assigned');
      await waitForStates(orderId, ['failed', 'delivered']);
      expect(endpoint.versionsOf(orderId)).toEqual([1, 2]);
    });

    test('that are tried again keep only their own order waiting', async () => {
      const gate = createGate();
      const endpoint = await addEndpoint();
      const failing = await stage.createOrder(endpoint.customerServerId);
      await waitForStates(failing, ['delivered']);
      receiver.answer(
        (request) => request.path === endpoint.path && request.header('x-webhook-order-id') === failing,
        respond(503),
        gate.before(respond(200)),
      );
      await stage.change(failing, 'assigned');
      await stage.change(failing, 'in_progress');
      await until(() => expect(endpoint.versionsOf(failing)).toEqual([1, 2, 2]));

      const other = await stage.createOrder(endpoint.customerServerId);
      await stage.change(other, 'assigned');
      await waitForStates(other, ['delivered', 'delivered']);
      await waitForStates(failing, ['delivered', 'queued', 'blocked']);
      gate.open();
      await waitForStates(failing, ['delivered', 'delivered', 'delivered']);
      expect(endpoint.versionsOf(failing)).toEqual([1, 2, 2, 3]);
    });

    test('to one endpoint do not wait for those to another', async () => {
      const gate = createGate();
      const slow = await addEndpoint(gate.before(respond(200)));
      const quick = await addEndpoint(respond(200), { customerServerId: slow.customerServerId });
      const orderId = await stage.createOrder(slow.customerServerId);
      await stage.change(orderId, 'assigned');
      await until(() => expect(quick.versionsOf(orderId)).toEqual([1, 2]));
      expect(slow.versionsOf(orderId)).toEqual([1]);
      gate.open();
      await waitForStates(orderId, ['delivered', 'delivered', 'delivered', 'delivered']);
      const [first, second] = [slow.requests(), quick.requests()].map((requests) => requests[0]);
      expect(first?.body).toEqual(second?.body);
      expect(first?.header('webhook-id')).not.toBe(second?.header('webhook-id'));
    });

    test('are sent up to the endpoint’s window at once, the oldest first, and the rest as room comes', async () => {
      const gate = createGate();
      const endpoint = await addEndpoint(gate.before(respond(200)));
      const orderIds: string[] = [];
      for (let n = 0; n < 20; n += 1) orderIds.push(await stage.createOrder(endpoint.customerServerId));
      await until(() => expect(endpoint.requests().length).toBe(16));
      for (const orderId of orderIds.slice(16)) {
        expect(await readStates(stage.database.pool, orderId)).toEqual(['waiting']);
      }
      gate.open();
      for (const orderId of orderIds) await waitForStates(orderId, ['delivered']);
      const firstTold = endpoint.requests().slice(0, 16);
      expect(new Set(firstTold.map((request) => request.header('x-webhook-order-id')))).toEqual(
        new Set(orderIds.slice(0, 16)),
      );
    });

    test('wait while their endpoint is paused, and go on in order when it is resumed', async () => {
      const endpoint = await addEndpoint(respond(200), { state: 'paused' });
      const orderIds: string[] = [];
      for (let n = 0; n < 3; n += 1) orderIds.push(await stage.createOrder(endpoint.customerServerId));
      for (const orderId of orderIds) {
        await stage.change(orderId, 'assigned');
        expect(await readStates(stage.database.pool, orderId)).toEqual(['waiting', 'blocked']);
      }
      await stage.database.pool.query(`update webhook_endpoints set state = 'active' where id = $1`, [
        endpoint.endpointId,
      ]);
      // Nobody looks after this update: the relay does.
      for (const orderId of orderIds) {
        await waitForStates(orderId, ['delivered', 'delivered']);
        expect(endpoint.versionsOf(orderId)).toEqual([1, 2]);
      }
    });

    test('of many orders that change at once are all made, once each and in order', async () => {
      const endpoint = await addEndpoint(respond(200, { delayMs: 2 }));
      const orderIds = await Promise.all(
        Array.from({ length: 30 }, () => stage.createOrder(endpoint.customerServerId)),
      );
      await Promise.all(
        orderIds.map(async (orderId) => {
          for (const to of ['assigned', 'in_progress', 'completed'] as const) await stage.change(orderId, to);
        }),
      );
      for (const orderId of orderIds) {
        await waitForStates(orderId, ['delivered', 'delivered', 'delivered', 'delivered']);
        expect(endpoint.versionsOf(orderId)).toEqual([1, 2, 3, 4]);
      }
      expect(endpoint.requests()).toHaveLength(120);
    });
  });
});
