/** A whole order over HTTP, as its customer's server and an operator who reads the log see it. */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { addVendor, VENDOR_PROFILE } from './system/add-vendor.ts';
import { expectWebhookHead } from './system/check-webhook.ts';
import { eachOnce, openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { createOrder, SERVICE_ORDER, WALKED_STATUSES, walkOrder } from './system/walk-order.ts';

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('an order on its way', () => {
    let receiver: Receiver;
    let system: System;
    let worker: ListeningProcess;

    beforeAll(async () => {
      receiver = await createReceiver();
      system = await createSystem({ redisUrl, env: { DEBUG_WEBHOOKS: '1', LOG_LEVEL: 'debug' } });
      [, worker] = await Promise.all([system.startApi(), system.startWorker()]);
    });
    afterAll(async () => {
      await system.stop();
      await receiver.close();
    });

    test('tells the customer server of every step once, in order, as the guide says', async () => {
      const customerServer = await addCustomerServer(system, receiver.url('/walked'));
      const vendor = await addVendor(system);
      const orderId = await createOrder(customerServer);
      const inbox = openInbox(receiver, orderId);
      await walkOrder({ customerServer, vendor }, orderId);
      const deliveries = await waitUntilEnded(system.database, orderId, WALKED_STATUSES.length);

      expect(inbox.summary()).toEqual(eachOnce(WALKED_STATUSES));
      const requests = inbox.requests();
      const bodies = requests.map((request) => request.json());
      for (const [index, request] of requests.entries()) {
        const { id: deliveryId } = deliveries[index]!;
        expectWebhookHead(request, customerServer, { orderId, version: index + 1, attempt: 1, deliveryId });
      }
      const times = bodies.map((body) => (body as { updatedAt: string }).updatedAt);
      expect(times).toEqual([...times].sort());
      for (const [index, body] of bodies.entries()) {
        expect(body).toEqual(buildExpectedBody({ orderId, vendorId: vendor.vendorId, index, times }));
      }
      // What a customer reads is what it was told last.
      const { previousStatus, ...last } = bodies.at(-1) as { previousStatus: string };
      expect(previousStatus).toBe('payment_confirmed');
      expect(await customerServer.ask('GET', `/api/external/orders/${orderId}`)).toEqual(last);
    });

    test('leaves a line for each webhook in the log, and no secret anywhere', async () => {
      const customerServer = await addCustomerServer(system, receiver.url('/logged'));
      const vendor = await addVendor(system);
      const orderId = await createOrder(customerServer);
      await walkOrder({ customerServer, vendor }, orderId);
      const deliveries = await waitUntilEnded(system.database, orderId, WALKED_STATUSES.length);

      for (const [index, status] of WALKED_STATUSES.entries()) {
        const { id: deliveryId } = deliveries[index]!;
        const fields = { orderId, deliveryId, status, attempt: 1 };
        expect(await worker.log.waitFor('Customer webhook sent successfully', fields)).toMatchObject({
          level: 'info',
          previousStatus: WALKED_STATUSES[index - 1] ?? null,
          durationMs: expect.any(Number),
          responseStatus: 200,
        });
        expect(await worker.log.waitFor('webhook request', { deliveryId })).toMatchObject({
          // A path may be a secret.
          url: `${new URL(receiver.url('/logged')).origin}/…`,
          headers: { 'x-vendor-server-secret': '[redacted]', 'x-webhook-version': String(index + 1) },
          body: expect.stringContaining(`"status":"${status}"`),
        });
        expect(await worker.log.waitFor('webhook response', { deliveryId })).toMatchObject({
          responseStatus: 200,
          responseExcerpt: '{"success":true}',
        });
      }

      const signatures = openInbox(receiver, orderId)
        .requests()
        .map((request) => request.header('webhook-signature')!);
      expect(signatures).toHaveLength(WALKED_STATUSES.length);
      const secrets = [
        ...system.secrets,
        customerServer.secret,
        customerServer.signingSecret,
        vendor.apiKey,
        ...signatures,
      ];
      for (const { log } of system.processes) {
        for (const secret of secrets) expect(log.text).not.toContain(secret);
      }
    });

    test('is told of every change, whoever makes it', async () => {
      const customerServer = await addCustomerServer(system, receiver.url('/changed'));
      const vendor = await addVendor(system);
      const orderId = await createOrder(customerServer);
      const [ofVendor, ofOperator] = [`/api/vendor/orders/${orderId}`, `/api/admin/orders/${orderId}`];
      const { vendorId } = vendor;
      await system.operator.ask('POST', `${ofOperator}/assign`, { vendorId });
      await vendor.ask('POST', `${ofVendor}/reject`, { reason: 'too far' });
      await system.operator.ask('POST', `${ofOperator}/assign`, { vendorId });
      await vendor.ask('POST', `${ofVendor}/accept`, {});
      await system.operator.ask('POST', `${ofOperator}/unassign`, {});
      const report = { vendorId: 'partner-vendor-1', vendorName: 'Partner', assignedOrderId: orderId };
      for (const status of ['accepted', 'enroute', 'cancelled']) {
        const answer = await system.partner.call('POST', '/api/external/vendor-update', {
          body: { ...report, status },
        });
        expect(answer).toMatchObject({ status: 200, body: { orderUpdated: true, webhookSent: true } });
      }
      await waitUntilEnded(system.database, orderId, 9);
      expect(openInbox(receiver, orderId).summary()).toEqual(
        eachOnce(
          'pending assigned pending assigned accepted pending assigned in_progress cancelled'.split(' '),
        ),
      );
    });

    test('says in the log that nobody is told when there is nobody to tell', async () => {
      const { secret } = await system.operator.ask<{ secret: string }>(
        'POST',
        '/api/admin/customer-servers',
        {
          name: 'Without an endpoint',
        },
      );
      const answer = await system.partner.call<{ orderId: string }>('POST', '/api/external/orders', {
        headers: { 'x-customer-secret': secret },
        body: SERVICE_ORDER,
      });
      const { orderId } = answer.body.data;
      const [api] = system.processes;
      expect(await api!.log.waitFor('Customer webhook URL not configured', { orderId })).toMatchObject({
        deliveryId: null,
        status: 'pending',
        previousStatus: null,
        attempt: 0,
        durationMs: 0,
        responseStatus: null,
      });
    });
  });
});

interface Step {
  orderId: string;
  vendorId: string;
  index: number;
  /** `updatedAt` of each step. */
  times: readonly string[];
}

/** The payload of the guide's example at each step of the walk. */
function buildExpectedBody({ orderId, vendorId, index, times }: Step) {
  const [createdAt, acceptedAt, , , , completedAt] = times;
  const status = WALKED_STATUSES[index];
  const place = { address: SERVICE_ORDER.customerAddress, coordinates: [77.1025, 28.7041] };
  return {
    orderId,
    customerId: 'customer-123',
    status,
    previousStatus: WALKED_STATUSES[index - 1] ?? null,
    updatedAt: times[index],
    version: index + 1,
    orderData: {
      customerId: 'customer-123',
      fare: index < 3 ? 250 : 300,
      paymentMethod: 'cod',
      paymentStatus: index < 4 ? 'pending' : 'paid',
      pickup: place,
      drop: place,
      items: [{ title: 'electronics_repair: Fix smartphone screen', qty: 1, price: 250 }],
      customerNotes: 'Fix smartphone screen',
      vendorNotes: index < 3 ? null : 'Parts will be ordered',
      scheduledAt: null,
      assignedAt: index < 1 ? null : acceptedAt,
      acceptedAt: index < 1 ? null : acceptedAt,
      completedAt: index < 5 ? null : completedAt,
      cancelledAt: null,
      cancellationReason: null,
      cancelledBy: null,
      createdAt,
      metadata: {
        orderType: 'service',
        workType: 'electronics_repair',
        customerName: 'John Doe',
        customerPhone: '+919876543210',
        urgency: 'normal',
      },
    },
    vendorDetails: index < 1 ? null : { vendorId, ...VENDOR_PROFILE },
  };
}
