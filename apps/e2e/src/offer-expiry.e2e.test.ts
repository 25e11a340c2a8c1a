/** ORDER_OFFER_TTL_MS with two API processes: an order that nobody takes is cancelled once, and told of. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { addVendor } from './system/add-vendor.ts';
import { eachOnce, openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { createOrder } from './system/walk-order.ts';

let receiver: Receiver;
let system: System;

beforeAll(async () => {
  receiver = await createReceiver();
  system = await createSystem({ redisUrl: null, env: { ORDER_OFFER_TTL_MS: '3000' } });
  await Promise.all([system.startApi(), system.startApi(), system.startWorker()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

test('an order that nobody takes is cancelled with a webhook; one that a vendor takes stays', async () => {
  const customerServer = await addCustomerServer(system, receiver.url('/offers'));
  const vendor = await addVendor(system);
  const taken = await createOrder(customerServer);
  await vendor.ask('POST', `/api/vendor/orders/${taken}/accept`, {});

  const orderIds = await Promise.all(Array.from({ length: 5 }, () => createOrder(customerServer)));
  for (const orderId of orderIds) {
    await waitUntilEnded(system.database, orderId, 2);
    const inbox = openInbox(receiver, orderId);
    expect(inbox.summary()).toEqual(eachOnce(['pending', 'cancelled']));
    expect(inbox.requests().at(-1)?.json()).toMatchObject({
      previousStatus: 'pending',
      orderData: { cancelledBy: 'admin', cancellationReason: 'no_vendor' },
    });
  }
  // It became pending before them, and would have ended before them.
  expect(await customerServer.ask('GET', `/api/external/orders/${taken}`)).toMatchObject({
    status: 'accepted',
  });
});
