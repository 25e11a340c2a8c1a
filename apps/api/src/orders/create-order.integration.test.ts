import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildFullOrder, buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer('http://127.0.0.1:4000/updates');
});

async function create(payload: object) {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: server.headers,
    payload,
  });
  expect(answer.statusCode, answer.body).toBe(201);
  return answer.json();
}

async function read(orderId: string) {
  const answer = await api.app.inject({ url: `/api/external/orders/${orderId}`, headers: server.headers });
  return answer.json().data;
}

test('a service order becomes one item at one place', async () => {
  const scheduledAt = '2026-05-01T10:00:00+05:30';
  const created = await create(buildServiceOrder({ metadata: { ref: 7, urgency: 'mine' }, scheduledAt }));
  expect(created).toEqual({
    ok: true,
    message: 'Order created successfully',
    data: {
      orderId: expect.stringMatching(/^[0-9a-f]{24}$/),
      status: 'pending',
      broadcast: { success: false, notifiedVendors: 0, failedNotifications: 0 },
    },
  });
  const place = { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] };
  const order = await read(created.data.orderId);
  expect(order).toMatchObject({
    orderId: created.data.orderId,
    customerId: 'customer-123',
    status: 'pending',
    version: 1,
    vendorDetails: null,
    orderData: {
      customerId: 'customer-123',
      fare: 250,
      paymentMethod: 'cod',
      paymentStatus: 'pending',
      pickup: place,
      drop: place,
      items: [{ title: 'electronics_repair: Fix smartphone screen', qty: 1, price: 250 }],
      customerNotes: 'Fix smartphone screen',
      vendorNotes: null,
      scheduledAt: '2026-05-01T04:30:00.000Z',
      cancelledBy: null,
    },
  });
  expect(order.orderData.metadata).toEqual({
    ref: 7,
    orderType: 'service',
    workType: 'electronics_repair',
    customerName: 'John Doe',
    customerPhone: '+919876543210',
    urgency: 'normal',
  });
  expect(order).not.toHaveProperty('previousStatus');
});

test('a service order without a price is free', async () => {
  const created = await create(buildServiceOrder({ estimatedPrice: undefined }));
  const { orderData } = await read(created.data.orderId);
  expect(orderData).toMatchObject({ fare: 0, items: [{ price: 0 }] });
});

test('a full order is taken as it is, and fields that it does not know are left out', async () => {
  const changes = { customerNotes: 'Ring twice', paymentMethod: 'wallet', metadata: { b: 1, a: { c: [1] } } };
  const items = [{ title: 'Wire', qty: 10_000, price: 0.07, color: 'red' }];
  const created = await create(buildFullOrder({ ...changes, items, fare: 9_999_999_999.99, unknown: true }));
  const { orderData } = await read(created.data.orderId);
  expect(orderData).toMatchObject({ ...changes, fare: 9_999_999_999.99 });
  expect(orderData.items).toEqual([{ title: 'Wire', qty: 10_000, price: 0.07 }]);
  expect(orderData.drop).toEqual({ address: '456 Oak Avenue, City', coordinates: [77.1125, 28.7141] });
});

const LONG_TEXT = 'x'.repeat(16 * 1024 - '{"text":""}'.length);
const ODD_TEXT = "'); drop table orders; -- \u202e \ufffe \u{10ffff} 😀";
const ODD_NAMES = { constructor: { prototype: 1 }, toString: null, '': { '.': [[]] } };

test.each<[Record<string, unknown>, Record<string, unknown>]>([
  [{ location: { latitude: -90, longitude: 180 } }, { pickup: { coordinates: [180, -90] } }],
  [{ location: { latitude: 5e-324, longitude: 1e-7 } }, { pickup: { coordinates: [1e-7, 5e-324] } }],
  [
    { location: { latitude: 28.704100000000004, longitude: -0 } },
    { pickup: { coordinates: [0, 28.704100000000004] } },
  ],
  [{ estimatedPrice: 0.07 }, { fare: 0.07 }],
  [{ estimatedPrice: 9_999_999_999.99 }, { fare: 9_999_999_999.99 }],
  [
    { description: ODD_TEXT, customerName: ODD_TEXT },
    { customerNotes: ODD_TEXT, metadata: { customerName: ODD_TEXT } },
  ],
  [{ scheduledAt: '2100-12-31T23:59:59.999Z' }, { scheduledAt: '2100-12-31T23:59:59.999Z' }],
  [{ metadata: ODD_NAMES }, { metadata: ODD_NAMES }],
  [{ metadata: { text: LONG_TEXT } }, { metadata: { text: LONG_TEXT } }],
])('what is at the edge is kept as it is: case %#', async (changes, expected) => {
  const created = await create(buildServiceOrder(changes));
  expect((await read(created.data.orderId)).orderData).toMatchObject(expected);
});

test('null for an optional field is the same as leaving it out', async () => {
  const nulls = {
    estimatedPrice: null,
    urgency: null,
    paymentMethod: null,
    scheduledAt: null,
    metadata: null,
  };
  const created = await create(buildServiceOrder(nulls));
  const { orderData } = await read(created.data.orderId);
  expect(orderData).toMatchObject({ fare: 0, paymentMethod: 'cod', metadata: { urgency: 'normal' } });
});

test('the change is recorded with its deliveries and handed to the queue', async () => {
  const created = await create(buildServiceOrder());
  const { orderId } = created.data;
  const transitions = await api.database.prisma.orderTransition.findMany({ where: { orderId } });
  expect(transitions).toMatchObject([
    { version: 1, fromStatus: null, toStatus: 'pending', actorType: 'customer_server', actorId: server.id },
  ]);
  expect(JSON.parse(transitions[0]?.body ?? '')).toEqual({ ...(await read(orderId)), previousStatus: null });
  const deliveries = await api.database.prisma.delivery.findMany({ where: { orderId } });
  expect(deliveries).toMatchObject([{ state: 'queued', orderVersion: 1 }]);
  expect(api.jobs.filter((job) => job.data.orderId === orderId)).toMatchObject([
    { data: { deliveryId: deliveries[0]?.id, generation: 1, status: 'pending' } },
  ]);
});

test('the request and its trace are recorded with the change', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: { ...server.headers, traceparent, 'x-request-id': 'create-1' },
    payload: buildServiceOrder(),
  });
  const { orderId } = answer.json().data;
  const transition = await api.database.prisma.orderTransition.findFirst({ where: { orderId } });
  expect(transition).toMatchObject({ requestId: 'create-1', traceparent });
});

describe('the broadcast', () => {
  test('counts the online vendors that do such work, or any', async () => {
    await api.addVendor({ services: ['plumbing'] });
    await api.addVendor({ services: ['plumbing'], online: false });
    await api.addVendor({ services: ['painting', 'plumbing'] });
    await api.addVendor({ services: ['painting'] });
    const before = await create(buildServiceOrder({ workType: 'plumbing' }));
    expect(before.data.broadcast).toEqual({ success: true, notifiedVendors: 2, failedNotifications: 0 });

    await api.addVendor({ services: [] });
    const after = await create(buildServiceOrder({ workType: 'plumbing' }));
    expect(after.data.broadcast.notifiedVendors).toBe(3);
    // Without a work type, only who takes any.
    const full = await create(buildFullOrder());
    expect(full.data.broadcast.notifiedVendors).toBe(1);
  });

  test('tells the offer streams', async () => {
    const changes: unknown[] = [];
    const end = api.deps.offerEvents.subscribe((change) => changes.push(change));
    const created = await create(buildServiceOrder());
    end();
    expect(changes).toEqual([{ kind: 'order', orderId: created.data.orderId, version: 1 }]);
  });
});
