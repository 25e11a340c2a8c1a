/** A customer server's secret is rotated through the API while its webhooks go on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { createCaller } from './system/create-caller.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { createOrder } from './system/walk-order.ts';

let receiver: Receiver;
let system: System;

beforeAll(async () => {
  receiver = await createReceiver();
  system = await createSystem({ redisUrl: null });
  await Promise.all([system.startApi(), system.startWorker()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

test('no webhook fails, whenever the receiver changes over, and the old secret ends when the operator says so', async () => {
  const old = await addCustomerServer(system, receiver.url('/rotated'));
  // A receiver as in the integration guide: it holds one secret and answers any other with 401.
  let held = old.secret;
  receiver.answer('/rotated', (answering) =>
    respond(answering.request.header('x-vendor-server-secret') === held ? 200 : 401)(answering),
  );

  /** The secrets that the webhook of a new order was tried with; the last one was taken. */
  async function sendOne(): Promise<string[]> {
    const orderId = await createOrder(old);
    const [delivery] = await waitUntilEnded(system.database, orderId, 1);
    expect(delivery).toMatchObject({ state: 'delivered' });
    const requests = openInbox(receiver, orderId).requests();
    return requests.map((request) => request.header('x-vendor-server-secret') ?? '');
  }

  /** Noted right after the delivery's end: what is sent from then on begins with that secret. */
  async function waitForOutbound(which: 'current' | 'previous'): Promise<void> {
    const where = { id: old.customerServerId };
    const read = () => system.database.prisma.customerServer.findUniqueOrThrow({ where });
    await expect.poll(async () => (await read()).outboundSecret).toBe(which);
  }

  const path = `/api/admin/customer-servers/${old.customerServerId}/rotate-secret`;
  const { secret } = await system.operator.ask<{ secret: string }>('POST', path, {});
  expect(await sendOne()).toEqual([old.secret]);

  held = secret;
  expect(await sendOne()).toEqual([old.secret, secret]);
  await waitForOutbound('current');
  expect(await sendOne()).toEqual([secret]);

  // One that has to go back is found again, too.
  held = old.secret;
  expect(await sendOne()).toEqual([secret, old.secret]);
  await waitForOutbound('previous');
  held = secret;
  expect(await sendOne()).toEqual([old.secret, secret]);

  await system.operator.ask('POST', `${path}/complete`);
  const refused = await old.call('GET', '/api/external/me');
  expect(refused.status).toBe(401);
  const renewed = createCaller(system.apiUrl, { 'x-customer-secret': secret });
  const orderId = await createOrder(renewed);
  await waitUntilEnded(system.database, orderId, 1);
  const requests = openInbox(receiver, orderId).requests();
  expect(requests.map((request) => request.header('x-vendor-server-secret'))).toEqual([secret]);
  for (const { log } of system.processes) expect(log.text).not.toContain(secret);
});
