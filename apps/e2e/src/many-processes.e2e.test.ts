/** Two APIs and two workers at once: one accept wins, and every webhook is sent once and in order. */
import type { OrderResource } from '@vendor-server/domain/webhooks/webhook-body.ts';
import { findLanesWithTwoHeads, findOvertakenLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, type CustomerServer, changeEndpoint } from './system/add-customer-server.ts';
import { addVendor, type TestVendor } from './system/add-vendor.ts';
import { eachOnce, openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { createOrder, finishOrder, WALKED_STATUSES } from './system/walk-order.ts';

/** More than an endpoint's window has room for. */
const ORDERS = 24;

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('several processes', () => {
    let receiver: Receiver;
    let system: System;
    let apis: ListeningProcess[];
    let vendors: TestVendor[];

    beforeAll(async () => {
      receiver = await createReceiver();
      system = await createSystem({ redisUrl });
      const [firstApi] = await Promise.all([system.startApi(), system.startWorker()]);
      const [secondApi] = await Promise.all([system.startApi(), system.startWorker()]);
      apis = [firstApi, secondApi];
      vendors = await Promise.all([addVendor(system), addVendor(system)]);
    });
    afterAll(async () => {
      await system.stop();
      await receiver.close();
    });

    /** Both vendors accept at once, each over an API of its own; the order then goes on with whoever won. */
    async function fightForOrder(customerServer: CustomerServer): Promise<string> {
      const orderId = await createOrder(customerServer);
      const answers = await Promise.all(
        vendors.map((vendor, index) =>
          vendor.call<OrderResource>('POST', `/api/vendor/orders/${orderId}/accept`, {
            body: {},
            apiUrl: apis[index]!.url,
          }),
        ),
      );
      const winner = answers.findIndex(({ status }) => status === 200);
      expect(winner).toBeGreaterThanOrEqual(0);
      expect(answers[1 - winner]).toMatchObject({
        status: 409,
        body: { ok: false, code: 'order_already_taken' },
      });
      const { vendorDetails } = answers[winner]!.body.data;
      expect(vendorDetails?.vendorId).toBe(vendors[winner]!.vendorId);
      await finishOrder({ customerServer, vendor: vendors[winner]! }, orderId);
      return orderId;
    }

    test('send every webhook of many orders once, in order, and one accept of two wins', async () => {
      const customerServer = await addCustomerServer(system, receiver.url('/updates'));
      const orderIds = await Promise.all(Array.from({ length: ORDERS }, () => fightForOrder(customerServer)));
      for (const orderId of orderIds) {
        await waitUntilEnded(system.database, orderId, WALKED_STATUSES.length);
        expect(openInbox(receiver, orderId).summary()).toEqual(eachOnce(WALKED_STATUSES));
      }
    });

    test('keep the order of every lane of a receiver that fails now and then', async () => {
      const customerServer = await addCustomerServer(system, receiver.url('/shaky'));
      await changeEndpoint(system, customerServer, { retryDelaysMs: [100, 100, 100] });
      receiver.answerEach(
        ({ path, headers }) => {
          const isUnlucky = path === '/shaky' && Number(headers['x-webhook-version']) % 2 === 0;
          return isUnlucky ? String(headers['webhook-id']) : undefined;
        },
        respond(503),
        respond(200),
      );
      const orderIds = await Promise.all(Array.from({ length: 6 }, () => fightForOrder(customerServer)));
      for (const orderId of orderIds) {
        await waitUntilEnded(system.database, orderId, WALKED_STATUSES.length);
        const expected = WALKED_STATUSES.flatMap((status, index) => {
          const version = index + 1;
          return version % 2 === 0
            ? [`${version} ${status} #1`, `${version} ${status} #2`]
            : [`${version} ${status} #1`];
        });
        expect(openInbox(receiver, orderId).summary()).toEqual(expected);
      }
      expect(await findOvertakenLanes(system.database.pool)).toEqual([]);
      expect(await findLanesWithTwoHeads(system.database.pool)).toEqual([]);
    });
  });
});
