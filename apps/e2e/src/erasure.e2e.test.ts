/** Personal data is erased for good: neither a resend, nor a replay, nor a later change brings it back. */
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { cancelOrder, createOrder, SERVICE_ORDER } from './system/walk-order.ts';

const { customerName, customerPhone, customerAddress, description, location } = SERVICE_ORDER;
const PERSONAL = [customerName, customerPhone, customerAddress, description, String(location.latitude)];

let receiver: Receiver;
let system: System;

beforeAll(async () => {
  receiver = await createReceiver();
  system = await createSystem({ redisUrl: testRedisUrl() });
  await Promise.all([system.startApi(), system.startWorker()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

function expectErased(said: unknown): void {
  const text = JSON.stringify(said);
  expect(text).toContain('[erased]');
  for (const personal of PERSONAL) expect(text).not.toContain(personal);
}

test('what was erased is sent by no resend, no replay and no later change', async () => {
  // A receiver that says back what it was told.
  receiver.answer('/hook', respond(400, { body: { refused: SERVICE_ORDER } }));
  const server = await addCustomerServer(system, receiver.url('/hook'));
  const endpoint = `/api/external/webhook-endpoints/${server.endpointId}`;
  const since = new Date(Date.now() - 60_000).toISOString();
  const [erasedId, keptId] = [await createOrder(server), await createOrder(server)];
  const [failed] = await waitUntilEnded(system.database, erasedId, 1);
  await waitUntilEnded(system.database, keptId, 1);
  const delivery = `/api/external/deliveries/${failed?.id}`;
  const erase = () => system.operator.call('DELETE', `/api/admin/orders/${erasedId}/personal-data`);

  // Open again by a resend, and held: what may still be sent is not erased.
  await server.ask('POST', `${endpoint}/pause`);
  await server.ask('POST', `${delivery}/resend`);
  expect(await erase()).toMatchObject({ status: 409, body: { code: 'delivery_not_finished' } });
  await server.ask('POST', `${endpoint}/resume`);
  await waitUntilEnded(system.database, erasedId, 1);
  const { status, body } = await erase();
  expect(status).toBe(200);
  expectErased(body.data);
  const { attempts } = await server.ask<{ attempts: object[] }>('GET', delivery);
  expect(attempts).toMatchObject([{ responseExcerpt: null }, { responseExcerpt: null }]);

  receiver.answer('/hook', respond(200));
  for (const [caller, path] of [
    [server, delivery],
    [system.operator, `/api/admin/deliveries/${failed?.id}`],
  ] as const) {
    const resent = await caller.call('POST', `${path}/resend`);
    expect(resent).toMatchObject({ status: 409, body: { code: 'personal_data_erased' } });
  }

  const replay = { since, states: ['failed', 'delivered'] };
  const { replayId } = await server.ask<{ replayId: string }>(
    'POST',
    '/api/external/deliveries/replay',
    replay,
  );
  const read = () => server.ask<object>('GET', `/api/external/deliveries/replay/${replayId}`);
  await expect
    .poll(read, { timeout: 30_000 })
    .toMatchObject({ state: 'completed', reopened: 1, delivered: 1 });
  expect(openInbox(receiver, keptId).summary()).toEqual(['1 pending #1', '1 pending #2']);
  expect(openInbox(receiver, erasedId).summary()).toEqual(['1 pending #1', '1 pending #2']);

  await cancelOrder(server, erasedId);
  const later = await openInbox(receiver, erasedId).waitFor(2);
  expectErased(later.json());
  const events = await server.ask<{ orderId: string }[]>('GET', '/api/external/events');
  const ofErased = events.filter(({ orderId }) => orderId === erasedId);
  expect(ofErased).toHaveLength(2);
  expectErased(ofErased);
});
