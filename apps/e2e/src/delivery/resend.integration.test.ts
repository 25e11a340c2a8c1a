/** What is sent again: by a resend and by a replay, over both queues, to a real receiver. */

import { promote } from '@vendor-server/platform/deliveries/promote.ts';
import { reopenForResend } from '@vendor-server/platform/deliveries/reopen.ts';
import {
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { insertReplay, readReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { respond, type Step } from '../receiver/steps.ts';
import { createGate } from '../system/create-gate.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('what is opened again', { concurrent: false }, () => {
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

    async function addEndpoint(...steps: Step[]) {
      paths += 1;
      const path = `/again-${paths}`;
      receiver.answer(path, ...steps);
      const endpoint = await stage.addEndpoint({ url: receiver.url(path) });
      const requests = () => receiver.requests.filter((request) => request.path === path);
      return { ...endpoint, requests };
    }

    const waitForStates = (orderId: string, states: string[]) =>
      until(async () => expect(await readStates(pool(), orderId)).toEqual(states));

    /** What the API does; the job is the relay's to make. */
    async function resend(orderId: string, endpointId: string, version: number): Promise<string> {
      const delivery = (await readDeliveries(pool(), orderId)).find((row) => row.version === version);
      if (delivery === undefined) throw new Error('there is no such delivery');
      const reopened = await reopenForResend(stage.database, { deliveryId: delivery.id, orderId });
      expect(reopened?.refusal).toBeNull();
      await promote(stage.database, endpointId, [orderId]);
      return delivery.id;
    }

    test('comes under its own id with its own bytes, has a new budget, and its attempts go on', async () => {
      const { customerServerId, endpointId, requests } = await addEndpoint(
        respond(500),
        respond(500),
        respond(500),
        respond(500),
        respond(503),
        respond(200),
      );
      const orderId = await stage.createOrder(customerServerId);
      await waitForStates(orderId, ['failed']);
      const id = await resend(orderId, endpointId, 1);
      await waitForStates(orderId, ['delivered']);

      expect(requests()).toHaveLength(6);
      const [first, ...others] = requests();
      for (const request of others) {
        expect(request.header('webhook-id')).toBe(id);
        expect(request.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
      }
      expect(requests().map((request) => request.header('x-webhook-attempt'))).toEqual([
        '1',
        '2',
        '3',
        '4',
        '5',
        '6',
      ]);
      expect((await readAttempts(pool(), id)).map(({ trigger }) => trigger)).toEqual([
        'first',
        'retry',
        'retry',
        'retry',
        'resend',
        'retry',
      ]);
      expect(await readDeliveries(pool(), orderId)).toMatchObject([{ attemptCount: 6, budgetUsed: 2 }]);
    });

    test('goes out when the head of its lane has ended, and before what is blocked there', async () => {
      const gate = createGate();
      const { customerServerId, endpointId, requests } = await addEndpoint(
        respond(200),
        gate.before(respond(200)),
        respond(200),
      );
      const orderId = await stage.createOrder(customerServerId);
      await waitForStates(orderId, ['delivered']);
      await stage.change(orderId, 'assigned');
      await until(() => expect(requests()).toHaveLength(2));
      await stage.change(orderId, 'in_progress');
      await resend(orderId, endpointId, 1);
      expect(await readStates(pool(), orderId)).toEqual(['blocked', 'queued', 'blocked']);
      gate.open();
      await waitForStates(orderId, ['delivered', 'delivered', 'delivered']);
      expect(requests().map((request) => request.header('x-webhook-version'))).toEqual(['1', '2', '1', '3']);
    });

    test('by a replay: what failed comes once more, and new changes overtake what is left of it', async () => {
      const ORDERS = 30;
      let isDown = true;
      const gate = createGate();
      const { customerServerId, endpointId, requests } = await addEndpoint(async (answering) => {
        if (isDown) return respond(400)(answering);
        const attempt = answering.request.header('x-webhook-attempt');
        // What is replayed gets its answer late, what is new at once.
        return attempt === '1' ? respond(200)(answering) : gate.before(respond(200))(answering);
      });
      const orderIds: string[] = [];
      for (let n = 0; n < ORDERS; n += 1) orderIds.push(await stage.createOrder(customerServerId));
      for (const orderId of orderIds) await waitForStates(orderId, ['failed']);
      isDown = false;
      const replayId = await insertReplay(pool(), { customerServerId, endpointIds: [endpointId] });
      await until(() => expect(requests()).toHaveLength(ORDERS + 8));

      const newOrder = await stage.createOrder(customerServerId);
      await waitForStates(newOrder, ['delivered']);
      expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'running', reopened: 8 });
      gate.open();
      await until(async () =>
        expect(await readReplay(pool(), replayId)).toEqual({
          state: 'completed',
          matched: ORDERS,
          reopened: ORDERS,
          delivered: ORDERS,
          failed: 0,
        }),
      );
      const again = requests().filter((request) => request.header('x-webhook-attempt') === '2');
      expect(again).toHaveLength(ORDERS);
      expect(new Set(again.map((request) => request.header('webhook-id'))).size).toBe(ORDERS);
    });
  });
});
