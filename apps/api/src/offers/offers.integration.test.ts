import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildFullOrder, buildServiceOrder } from '../testing/sample-bodies.ts';
import { findOfferStanding } from './offers-sql.ts';

let api: TestApi;
let customer: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi();
  customer = await api.addCustomerServer();
});
afterAll(() => api.close());

/** A kind of work that no other test knows, so that each test has its own offers. */
function newWorkType(): string {
  return `work_${createId()}`;
}

async function createOrder(body: Record<string, unknown>): Promise<string> {
  const response = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: customer.headers,
    payload: body,
  });
  expect(response.statusCode).toBe(201);
  return response.json().data.orderId;
}

function act(vendor: { headers: Record<string, string> }, orderId: string, action: string, payload = {}) {
  const url = `/api/vendor/orders/${orderId}/${action}`;
  return api.app.inject({ method: 'POST', url, headers: vendor.headers, payload });
}

async function listOffers(vendor: { headers: Record<string, string> }, query = '') {
  const url = `/api/vendor/offers${query}`;
  return (await api.app.inject({ method: 'GET', url, headers: vendor.headers })).json();
}

async function offeredIds(vendor: { headers: Record<string, string> }): Promise<string[]> {
  const { data } = await listOffers(vendor, '?limit=200');
  return data.map(({ orderId }: { orderId: string }) => orderId);
}

test('an offer shows the work and the area, and nothing of the person', async () => {
  const workType = newWorkType();
  const vendor = await api.addVendor({ services: [workType] });
  const orderId = await createOrder(
    buildServiceOrder({
      workType,
      description: 'Fix it',
      urgency: 'high',
      location: { latitude: -28.70449, longitude: 77.10651 },
      scheduledAt: '2026-12-04T10:30:00+05:30',
      metadata: { secretNote: 'private-note' },
    }),
  );
  const response = await api.app.inject({ url: '/api/vendor/offers', headers: vendor.headers });
  expect(response.json()).toEqual({
    ok: true,
    data: [
      {
        orderId,
        workType,
        items: [{ title: `${workType}: Fix it`, qty: 1, price: 250 }],
        fare: 250,
        urgency: 'high',
        scheduledAt: '2026-12-04T05:00:00.000Z',
        area: [77.11, -28.7],
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    ],
    nextCursor: null,
  });
  for (const secret of ['Main Street', '+919876543210', 'John Doe', 'customer-123', 'private-note']) {
    expect(response.body).not.toContain(secret);
  }
});

test('a full order without work type goes to vendors of every service only', async () => {
  const everything = await api.addVendor();
  const somethingElse = await api.addVendor({ services: ['electronics_repair'] });
  const orderId = await createOrder(buildFullOrder({ metadata: { urgency: { not: 'a text' } } }));
  const { data } = await listOffers(everything);
  expect(data.find((offer: { orderId: string }) => offer.orderId === orderId)).toMatchObject({
    workType: null,
    urgency: null,
    items: [{ title: 'Electronics Repair', qty: 1, price: 250 }],
  });
  expect(await offeredIds(somethingElse)).not.toContain(orderId);
});

test('is offered to online vendors of that service, and to no others', async () => {
  const workType = newWorkType();
  const serving = await api.addVendor({ services: ['other', workType] });
  const everything = await api.addVendor();
  const other = await api.addVendor({ services: ['other'] });
  const offline = await api.addVendor({ services: [workType], online: false });
  const expired = await api.addVendor({ services: [workType] });
  await api.database.pool.query(`update vendors set online_until = now() - interval '1 ms' where id = $1`, [
    expired.id,
  ]);
  const orderId = await createOrder(buildServiceOrder({ workType }));
  expect(await offeredIds(serving)).toContain(orderId);
  expect(await offeredIds(everything)).toContain(orderId);
  for (const vendor of [other, offline, expired]) expect(await offeredIds(vendor)).not.toContain(orderId);
});

test('creation counts the vendors it is offered to', async () => {
  const workType = newWorkType();
  const { rows } = await api.database.pool.query(
    `select count(*) as online from vendors where online_until > now() and selected_services = '{}'`,
  );
  await api.addVendor({ services: [workType] });
  await api.addVendor({ services: [workType], online: false });
  const response = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: customer.headers,
    payload: buildServiceOrder({ workType }),
  });
  const notifiedVendors = rows[0].online + 1;
  expect(response.json().data.broadcast).toEqual({ success: true, notifiedVendors, failedNotifications: 0 });
});

test.each(['accept', 'operator assigns', 'customer cancels'])('is withdrawn from all: %s', async (how) => {
  const workType = newWorkType();
  const vendor = await api.addVendor({ services: [workType] });
  const taker = await api.addVendor({ services: [workType] });
  const orderId = await createOrder(buildServiceOrder({ workType }));
  expect(await offeredIds(vendor)).toEqual([orderId]);
  if (how === 'accept') await act(taker, orderId, 'accept');
  else if (how === 'customer cancels') {
    const url = `/api/external/orders/${orderId}/cancel`;
    await api.app.inject({ method: 'POST', url, headers: customer.headers });
  } else {
    const url = `/api/admin/orders/${orderId}/assign`;
    const payload = { vendorId: taker.id };
    await api.app.inject({ method: 'POST', url, headers: api.operator, payload });
  }
  expect(await offeredIds(vendor)).toEqual([]);
  expect(await offeredIds(taker)).toEqual([]);
});

test('pages run from the newest to the oldest and end', async () => {
  const workType = newWorkType();
  const vendor = await api.addVendor({ services: [workType] });
  const created: string[] = [];
  for (let count = 0; count < 5; count += 1)
    created.unshift(await createOrder(buildServiceOrder({ workType })));
  // The same time for two of them: the id decides, and neither is lost between pages.
  await api.database.pool.query(
    `update orders set created_at = (select created_at from orders where id = $1) where id = $2`,
    [created[1], created[2]],
  );
  const first = await listOffers(vendor, '?limit=2');
  const second = await listOffers(vendor, `?limit=2&cursor=${first.nextCursor}`);
  const third = await listOffers(vendor, `?limit=2&cursor=${second.nextCursor}`);
  expect(third.nextCursor).toBeNull();
  const listed = [...first.data, ...second.data, ...third.data].map((offer) => offer.orderId);
  expect(listed).toEqual(created);
});

test.each(['?limit=0', '?limit=201', '?limit=x', '?cursor=nonsense', '?unknown=1'])(
  '%s is refused',
  async (query) => {
    const vendor = await api.addVendor();
    const url = `/api/vendor/offers${query}`;
    const response = await api.app.inject({ url, headers: vendor.headers });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ ok: false, code: 'validation_failed' });
  },
);

test.each(['/api/vendor/offers', '/api/vendor/offers/stream'])('%s needs a vendor', async (url) => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }, customer.headers, api.operator]) {
    expect((await api.app.inject({ url, headers })).statusCode).toBe(401);
  }
});

describe('declining', () => {
  test('an offer: it goes for this vendor, the others keep it', async () => {
    const workType = newWorkType();
    const vendor = await api.addVendor({ services: [workType] });
    const other = await api.addVendor({ services: [workType] });
    const orderId = await createOrder(buildServiceOrder({ workType }));
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const response = await act(vendor, orderId, 'reject', { reason: 'too far' });
      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual({ ok: true, data: { orderId, status: 'pending' } });
    }
    expect(await offeredIds(vendor)).toEqual([]);
    expect(await offeredIds(other)).toEqual([orderId]);
    const accepted = await act(vendor, orderId, 'accept');
    expect(accepted.statusCode).toBe(404);
    const { rows } = await api.database.pool.query(
      `select reason, version from offer_declines d join orders o on o.id = d.order_id where o.id = $1`,
      [orderId],
    );
    expect(rows).toEqual([{ reason: 'too far', version: 1 }]);
  });

  test('an assigned order: it is pending again, offered to the others only', async () => {
    const workType = newWorkType();
    const vendor = await api.addVendor({ services: [workType] });
    const other = await api.addVendor({ services: [workType] });
    const orderId = await createOrder(buildServiceOrder({ workType }));
    const url = `/api/admin/orders/${orderId}/assign`;
    await api.app.inject({ method: 'POST', url, headers: api.operator, payload: { vendorId: vendor.id } });
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const response = await act(vendor, orderId, 'reject', { reason: 'ill' });
      expect(response.json()).toEqual({ ok: true, data: { orderId, status: 'pending' } });
    }
    expect(await offeredIds(other)).toEqual([orderId]);
    expect(await offeredIds(vendor)).toEqual([]);
    const { rows } = await api.database.pool.query(
      `select to_status, actor_id, reason from order_transitions where order_id = $1 order by version`,
      [orderId],
    );
    expect(rows.slice(2)).toEqual([{ to_status: 'pending', actor_id: vendor.id, reason: 'ill' }]);
  });

  test('an order it accepted is refused, and not counted as a decline', async () => {
    const vendor = await api.addVendor();
    const orderId = await createOrder(buildServiceOrder());
    await act(vendor, orderId, 'accept');
    const response = await act(vendor, orderId, 'reject');
    expect(response.statusCode).toBe(409);
    expect(response.json().code).toBe('order_transition_not_allowed');
    const standing = await findOfferStanding(api.database.pool, vendor.id, orderId);
    expect(standing?.hasDeclined).toBe(false);
  });

  test('an order that was never its own or its offer does not exist', async () => {
    const workType = newWorkType();
    const stranger = await api.addVendor({ services: ['other'] });
    const taker = await api.addVendor({ services: [workType] });
    const orderId = await createOrder(buildServiceOrder({ workType }));
    expect((await act(stranger, orderId, 'reject')).statusCode).toBe(404);
    await act(taker, orderId, 'accept');
    const late = await api.addVendor({ services: [workType] });
    expect((await act(late, orderId, 'reject')).statusCode).toBe(404);
    expect((await act(late, createId(), 'reject')).statusCode).toBe(404);
    const { rows } = await api.database.pool.query('select 1 from offer_declines where order_id = $1', [
      orderId,
    ]);
    expect(rows).toEqual([]);
  });
});
