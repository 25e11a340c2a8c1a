/** Offer streams over two real API processes. */
import { openEventStream } from '@vendor-server/api/testing/open-event-stream.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { addCustomerServer, type CustomerServer } from './system/add-customer-server.ts';
import { addVendor, type TestVendor } from './system/add-vendor.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { createOrder } from './system/walk-order.ts';

let system: System;
let [first, second]: ListeningProcess[] = [];
let vendor: TestVendor;
let customerServer: CustomerServer;

beforeAll(async () => {
  system = await createSystem({ redisUrl: null });
  first = await system.startApi();
  second = await system.startApi();
  vendor = await addVendor(system);
  customerServer = await addCustomerServer(system, 'http://127.0.0.1:1/');
});
afterAll(() => system.stop());

async function openStream(url: string) {
  const stream = await openEventStream(`${url}/api/vendor/offers/stream`, {
    authorization: `Bearer ${vendor.apiKey}`,
  });
  onTestFinished(() => stream.close());
  await stream.waitForEvents(1);
  return stream;
}

test('an order of one process is offered at the other; a stop ends the stream, and another has it all', async () => {
  const stream = await openStream(first!.url);
  const stays = await openStream(second!.url);
  const orderId = await createOrder(customerServer);
  expect((await stream.waitForEvents(2))[1]).toMatchObject({ event: 'offer', data: { orderId } });
  await first!.stop();
  expect(stream.end).toBe('ended');
  const next = await createOrder(customerServer);
  expect((await stays.waitForEvents(3))[2]).toMatchObject({ event: 'offer', data: { orderId: next } });
  const again = await openStream(second!.url);
  expect(again.events[0]).toMatchObject({
    event: 'snapshot',
    data: { offers: [{ orderId: next }, { orderId }] },
  });
});
