/** Webhooks that were really sent, held against the `webhooks` of the API reference. */
import { findWebhookFaults } from '@vendor-server/api/testing/find-webhook-faults.ts';
import { type StrictDocument, toStrictDocument } from '@vendor-server/api/testing/strict-document.ts';
import { ORDER_STATUSES } from '@vendor-server/domain/orders/order-status.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import type { ReceivedRequest } from './receiver/received-request.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { addVendor } from './system/add-vendor.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { createOrder, WALKED_STATUSES, walkOrder } from './system/walk-order.ts';

let receiver: Receiver;
let system: System;
let reference: StrictDocument;

beforeAll(async () => {
  receiver = await createReceiver();
  system = await createSystem({ redisUrl: null });
  await Promise.all([system.startApi(), system.startWorker()]);
  const answer = await fetch(`${system.apiUrl()}/openapi.json`);
  reference = toStrictDocument((await answer.json()) as object);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

function faultsOf(request: ReceivedRequest): string[] {
  return findWebhookFaults(reference, { ...request, body: request.json() });
}

test('a webhook of every status is as the reference says', async () => {
  const customerServer = await addCustomerServer(system, receiver.url('/described'));
  const vendor = await addVendor(system);
  const completed = await createOrder(customerServer);
  await walkOrder({ customerServer, vendor }, completed);

  const cancelled = await createOrder(customerServer);
  const own = `/api/vendor/orders/${cancelled}`;
  await system.operator.ask('POST', `/api/admin/orders/${cancelled}/assign`, { vendorId: vendor.vendorId });
  await vendor.ask('POST', `${own}/accept`, {});
  await vendor.ask('POST', `${own}/confirm-arrival`, {});
  await vendor.ask('POST', `${own}/cancel`, { reason: 'Nobody was there' });

  await waitUntilEnded(system.database, completed, WALKED_STATUSES.length);
  await waitUntilEnded(system.database, cancelled, 5);
  const requests = [completed, cancelled].flatMap((orderId) => openInbox(receiver, orderId).requests());
  const statuses = requests.map((request) => (request.json() as { status: string }).status);
  expect(new Set(statuses)).toEqual(new Set(ORDER_STATUSES));
  expect(requests.flatMap(faultsOf)).toEqual([]);
});

test('a test of the connection is as the reference says', async () => {
  const customerServer = await addCustomerServer(system, receiver.url('/tested'));
  const { status } = await customerServer.call('POST', '/api/external/webhook-test', { body: {} });
  expect(status).toBe(200);
  const request = await receiver.waitFor(({ path }) => path === '/tested');
  expect(request.header('x-webhook-event')).toBe('connection.test');
  expect(faultsOf(request)).toEqual([]);
});

test('what the reference does not say is a fault', async () => {
  const request = receiver.requests.find(
    (each) => each.header('x-webhook-event') === 'order.status_changed',
  )!;
  const { headers, method } = request;
  const body = request.json() as object;
  const { 'webhook-id': _, ...withoutId } = headers;
  expect(findWebhookFaults(reference, { method, headers: withoutId, body })).toHaveLength(1);
  expect(
    findWebhookFaults(reference, { method, headers: { ...headers, 'x-other': '1' }, body }),
  ).toHaveLength(1);
  expect(findWebhookFaults(reference, { method, headers, body: { ...body, other: 1 } })).toHaveLength(1);
  expect(findWebhookFaults(reference, { method, headers, body: { ...body, status: 'lost' } })).toHaveLength(
    1,
  );
});
