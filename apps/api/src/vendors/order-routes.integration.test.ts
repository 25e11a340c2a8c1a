import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

type Caller = { id: string; headers: Record<string, string> };

let api: TestApi;
let customer: Caller;
let vendor: Caller;
let other: Caller;
let orderId: string;

beforeAll(async () => {
  api = await createTestApi();
  customer = await api.addCustomerServer();
});
afterAll(() => api.close());

beforeEach(async () => {
  vendor = await api.addVendor();
  other = await api.addVendor();
  orderId = await createOrder();
});

async function createOrder(body: Record<string, unknown> = {}): Promise<string> {
  const response = await post(customer, '/api/external/orders', buildServiceOrder(body));
  return response.json().data.orderId;
}

function post(caller: { headers: Record<string, string> }, url: string, payload: object = {}) {
  return api.app.inject({ method: 'POST', url, headers: caller.headers, payload });
}

function get(caller: Caller, url: string) {
  return api.app.inject({ url, headers: caller.headers });
}

function act(caller: Caller, action: string, payload: object = {}, id = orderId) {
  return post(caller, `/api/vendor/orders/${id}/${action}`, payload);
}

function toOperator() {
  return { headers: api.operator };
}

async function readVersion(id = orderId): Promise<number> {
  const { rows } = await api.database.pool.query('select version from orders where id = $1', [id]);
  return rows[0].version;
}

describe('accept', () => {
  test('gives the vendor the whole order', async () => {
    const response = await act(vendor, 'accept', { vendorNotes: 'On my way' });
    expect(response.statusCode).toBe(200);
    const { ok, data } = response.json();
    expect(ok).toBe(true);
    expect(data).toMatchObject({
      orderId,
      status: 'accepted',
      version: 2,
      orderData: { pickup: { address: '123 Main Street, City' }, vendorNotes: 'On my way' },
      vendorDetails: { vendorId: vendor.id, vendorName: 'Test vendor' },
    });
    expect(data).not.toHaveProperty('previousStatus');
    expect(data.orderData.acceptedAt).toBe(data.updatedAt);
    expect(data.orderData.assignedAt).toBe(data.updatedAt);
    expect((await get(vendor, `/api/vendor/orders/${orderId}`)).json().data).toEqual(data);
  });

  test('of several at once exactly one wins', async () => {
    const vendors = await Promise.all(Array.from({ length: 8 }, () => api.addVendor()));
    const responses = await Promise.all(vendors.map((each) => act(each, 'accept')));
    const winners = responses.filter(({ statusCode }) => statusCode === 200);
    const losers = responses.filter(({ statusCode }) => statusCode !== 200);
    expect(winners).toHaveLength(1);
    for (const loser of losers) {
      expect(loser.statusCode).toBe(409);
      expect(loser.json().code).toBe('order_already_taken');
      expect(loser.body).not.toContain('Main Street');
    }
    expect(await readVersion()).toBe(2);
    const winner = vendors[responses.findIndex(({ statusCode }) => statusCode === 200)];
    expect(winners[0]?.json().data.vendorDetails.vendorId).toBe(winner?.id);
  });

  test('later ones are told that it is taken, offline ones too; repeating it changes nothing', async () => {
    await act(vendor, 'accept');
    for (const late of [other, await api.addVendor({ online: false })]) {
      const response = await act(late, 'accept');
      expect([response.statusCode, response.json().code]).toEqual([409, 'order_already_taken']);
    }
    expect((await act(vendor, 'accept')).statusCode).toBe(200);
    expect(await readVersion()).toBe(2);
  });

  test('a pending order while offline is refused', async () => {
    const offline = await api.addVendor({ online: false });
    const response = await act(offline, 'accept');
    expect([response.statusCode, response.json().code]).toEqual([409, 'vendor_offline']);
    expect(await readVersion()).toBe(1);
  });

  test('an assigned order while offline is accepted', async () => {
    const offline = await api.addVendor({ online: false });
    await post(toOperator(), `/api/admin/orders/${orderId}/assign`, { vendorId: offline.id });
    expect((await act(offline, 'accept')).json().data.status).toBe('accepted');
  });

  test('an order of another service does not exist, taken or not', async () => {
    const id = await createOrder({ workType: 'gardening' });
    const stranger = await api.addVendor({ services: ['electronics_repair'] });
    expect((await act(stranger, 'accept', {}, id)).statusCode).toBe(404);
    await act(vendor, 'accept', {}, id);
    expect((await act(stranger, 'accept', {}, id)).statusCode).toBe(404);
    expect((await act(stranger, 'accept', {}, createId())).statusCode).toBe(404);
    expect((await act(stranger, 'accept', {}, 'no-id')).statusCode).toBe(404);
  });

  test('an order the customer took back is no longer to be had', async () => {
    await post(customer, `/api/external/orders/${orderId}/cancel`);
    const response = await act(vendor, 'accept');
    expect([response.statusCode, response.json().code]).toEqual([409, 'order_transition_not_allowed']);
  });
});

test('a vendor walks an order to its end', async () => {
  await act(vendor, 'accept');
  const steps: [string, object, string][] = [
    ['start', {}, 'in_progress'],
    ['confirm-arrival', { vendorNotes: 'At the door' }, 'arrival_confirmed'],
    ['request-payment', { amount: 312.5, notes: 'New screen' }, 'payment_requested'],
  ];
  for (const [action, payload, status] of steps) {
    const response = await act(vendor, action, payload);
    expect([action, response.statusCode, response.json().data.status]).toEqual([action, 200, status]);
  }
  await post(customer, `/api/external/orders/${orderId}/confirm-payment`);
  const { data } = (await act(vendor, 'complete')).json();
  expect(data).toMatchObject({
    status: 'completed',
    version: 7,
    orderData: { fare: 312.5, vendorNotes: 'New screen', paymentStatus: 'paid' },
  });
  expect(data.orderData.completedAt).toBe(data.updatedAt);
});

test('vendor notes stay until others are given, and go before the notes of a payment request', async () => {
  await act(vendor, 'accept', { vendorNotes: 'first' });
  expect((await act(vendor, 'start')).json().data.orderData.vendorNotes).toBe('first');
  const asked = await act(vendor, 'request-payment', { vendorNotes: 'second', notes: 'third' });
  expect(asked.json().data.orderData).toMatchObject({ vendorNotes: 'second', fare: 250 });
});

test('payment is requested once', async () => {
  await act(vendor, 'accept');
  await act(vendor, 'request-payment');
  const again = await act(vendor, 'request-payment');
  expect([again.statusCode, again.json().code]).toEqual([409, 'payment_already_requested']);
  await post(customer, `/api/external/orders/${orderId}/confirm-payment`);
  await act(vendor, 'start');
  const paid = await act(vendor, 'request-payment');
  expect([paid.statusCode, paid.json().code]).toEqual([409, 'payment_already_requested']);
});

test('a vendor cancels with a reason', async () => {
  await act(vendor, 'accept');
  const { data } = (await act(vendor, 'cancel', { reason: 'No parts', vendorNotes: 'Sorry' })).json();
  expect(data).toMatchObject({
    status: 'cancelled',
    orderData: { cancelledBy: 'vendor', cancellationReason: 'No parts', vendorNotes: 'Sorry' },
  });
});

test('steps that the table does not allow are refused with both statuses', async () => {
  await act(vendor, 'accept');
  const response = await act(vendor, 'complete');
  expect(response.statusCode).toBe(409);
  expect(response.json()).toMatchObject({ code: 'order_transition_not_allowed' });
  expect(response.json().error).toContain('accepted');
  expect(response.json().error).toContain('completed');
});

describe("another vendor's order", () => {
  test.each(['start', 'confirm-arrival', 'request-payment', 'complete', 'cancel', 'reject'])(
    'does not exist for %s',
    async (action) => {
      await act(vendor, 'accept');
      const response = await act(other, action);
      expect(response.statusCode).toBe(404);
      expect(response.json()).toMatchObject({ ok: false, code: 'not_found' });
      expect(await readVersion()).toBe(2);
    },
  );

  test('cannot be read or found in a list', async () => {
    await act(vendor, 'accept');
    const response = await get(other, `/api/vendor/orders/${orderId}`);
    expect(response.statusCode).toBe(404);
    expect((await get(other, '/api/vendor/orders')).json().data).toEqual([]);
  });

  test('neither can an order that is merely offered', async () => {
    expect((await get(vendor, `/api/vendor/orders/${orderId}`)).statusCode).toBe(404);
    expect((await act(vendor, 'start')).statusCode).toBe(404);
    expect((await get(vendor, '/api/vendor/orders')).json().data).toEqual([]);
  });

  test('nor one that it gave back', async () => {
    await post(toOperator(), `/api/admin/orders/${orderId}/assign`, { vendorId: vendor.id });
    expect((await get(vendor, `/api/vendor/orders/${orderId}`)).statusCode).toBe(200);
    await act(vendor, 'reject');
    expect((await get(vendor, `/api/vendor/orders/${orderId}`)).statusCode).toBe(404);
  });
});

test('the list is its own orders, by status and in pages', async () => {
  const ids = [orderId, await createOrder(), await createOrder()];
  for (const id of ids) await act(vendor, 'accept', {}, id);
  await act(vendor, 'start', {}, orderId);
  await act(other, 'accept', {}, await createOrder());
  const first = (await get(vendor, '/api/vendor/orders?limit=2')).json();
  const rest = (await get(vendor, `/api/vendor/orders?limit=2&cursor=${first.nextCursor}`)).json();
  const listed = [...first.data, ...rest.data];
  expect(listed.map((order) => order.orderId)).toEqual(ids.toReversed());
  expect(rest.nextCursor).toBeNull();
  const started = (await get(vendor, '/api/vendor/orders?status=in_progress')).json();
  expect(started.data).toEqual([listed[2]]);
  expect((await get(vendor, '/api/vendor/orders?status=unknown')).statusCode).toBe(400);
});

test.each([
  ['accept', { vendorNotes: 5 }, ['vendorNotes must be a string of at most 2000 characters']],
  [
    'request-payment',
    { amount: '5' },
    ['amount must be a number between 0 and 9999999999.99 with at most 2 decimals'],
  ],
  [
    'request-payment',
    { amount: 1.005 },
    ['amount must be a number between 0 and 9999999999.99 with at most 2 decimals'],
  ],
  ['cancel', { reason: 'x'.repeat(501) }, ['reason must be a string of at most 500 characters']],
])('%s %j is refused', async (action, payload, details) => {
  const response = await act(vendor, action, payload);
  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({ code: 'validation_failed', details });
});

test('needs a vendor', async () => {
  for (const headers of [{}, customer.headers, api.operator, { authorization: 'Bearer wrong' }]) {
    expect((await act({ id: '', headers }, 'accept')).statusCode).toBe(401);
  }
});
