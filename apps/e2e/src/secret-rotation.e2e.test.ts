/** A customer server's secret is rotated through the API while its webhooks go on. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, changeEndpoint } from './system/add-customer-server.ts';
import { type Caller, createCaller } from './system/create-caller.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { cancelOrder, createOrder } from './system/walk-order.ts';

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
    await expect.poll(async () => (await read()).outboundSecret, { timeout: 15_000 }).toBe(which);
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

test('nothing is missed under load, over several rotations that end early or meet, each followed at a moment of its own', async () => {
  const server = await addCustomerServer(system, receiver.url('/busy'));
  await changeEndpoint(system, server, { retryDelaysMs: [100, 100, 100] });
  const path = `/api/admin/customer-servers/${server.customerServerId}/rotate-secret`;
  const where = { id: server.customerServerId };
  let held = server.secret;
  let presented = server.secret;
  let answers = 0;
  const putOff = new Set<unknown>();
  receiver.answer('/busy', (answering) => {
    answers += 1;
    const webhookId = answering.request.header('webhook-id');
    // One answer in nine has nothing to do with secrets; but once for each webhook, whose retries would not last.
    if (answers % 9 === 0 && !putOff.has(webhookId)) {
      putOff.add(webhookId);
      return respond(503)(answering);
    }
    const isKnown = answering.request.header('x-vendor-server-secret') === held;
    return respond(isKnown ? 200 : 401)(answering);
  });

  const over = new AbortController();
  const orderIds: string[] = [];
  async function keepOrdering(): Promise<void> {
    while (!over.signal.aborted) {
      const orderId = await present(createOrder);
      orderIds.push(orderId);
      await present((caller) => cancelOrder(caller, orderId));
    }
  }
  /** Once more when its secret ended while the request was on its way. */
  async function present<Answer>(ask: (caller: Caller) => Promise<Answer>): Promise<Answer> {
    const secret = presented;
    try {
      return await ask(createCaller(system.apiUrl, { 'x-customer-secret': secret }));
    } catch (error) {
      if (secret === presented) throw error;
      return ask(createCaller(system.apiUrl, { 'x-customer-secret': presented }));
    }
  }
  const load = Promise.all([keepOrdering(), keepOrdering()]);

  const soon = () => delay(Math.random() * 200);
  async function rotateAndFollow(): Promise<void> {
    const { secret } = await system.operator.ask<{ secret: string }>('POST', path, {});
    await soon();
    held = secret;
    await soon();
    presented = secret;
    const read = () => system.database.prisma.customerServer.findUniqueOrThrow({ where });
    await expect.poll(async () => (await read()).outboundSecret, { timeout: 15_000 }).toBe('current');
  }
  for (let round = 0; round < 2; round += 1) {
    await rotateAndFollow();
    await system.operator.ask('POST', `${path}/complete`);
  }
  // Two whose overlaps meet.
  await rotateAndFollow();
  await rotateAndFollow();
  over.abort();
  await load;

  expect(orderIds.length).toBeGreaterThan(10);
  for (const orderId of orderIds) {
    const deliveries = await waitUntilEnded(system.database, orderId, 2);
    expect(deliveries.map(({ state }) => state)).toEqual(['delivered', 'delivered']);
  }
});
