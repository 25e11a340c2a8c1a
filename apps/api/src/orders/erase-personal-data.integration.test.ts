import type { WebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildFullOrder, buildServiceOrder } from '../testing/sample-bodies.ts';
import { changeOrderStatus } from './change-order-status.ts';
import { erasePersonalDataOfOrder } from './erase-personal-data.ts';
import { findAnyOrder } from './order-row-sql.ts';

/** What the tests put in about the person, wherever it can be put. */
const PERSONAL = [
  'Ada',
  '+491500000000',
  'Elm Street',
  'leaks',
  'blue door',
  'dog',
  'ill',
  '52.5219',
  '13.4132',
];
const SERVICE_ORDER = buildServiceOrder({
  customerName: 'Ada Example',
  customerPhone: '+491500000000',
  customerAddress: '1 Elm Street',
  description: 'The tap leaks',
  location: { latitude: 52.5219, longitude: 13.4132 },
  metadata: { door: 'blue door' },
});

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer('http://127.0.0.1:4000/');
});

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  headers: Record<string, string>,
  payload?: object,
) {
  const answer = await api.app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, body: answer.json() };
}

const erase = (id: string) => ask('DELETE', `/api/admin/orders/${id}/personal-data`, api.operator);

async function createOrder(payload: object = SERVICE_ORDER): Promise<string> {
  const { status, body } = await ask('POST', '/api/external/orders', server.headers, payload);
  expect(status).toBe(201);
  return body.data.orderId;
}

/** As if each of the order's webhooks had been sent, and the receiver had said what it was told. */
async function finishDeliveries(orderId: string): Promise<void> {
  await api.database.pool.query(
    `with finished as (
       update deliveries set state = 'delivered', job_due_at = null, finished_at = now(), attempt_count = 1
        where order_id = $1 and finished_at is null
       returning id
     )
     insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, outcome,
                                    response_status, response_excerpt)
     select id, 1, 'first', 'token', now(), 'acknowledged', 200, 'Thank you, Ada' from finished`,
    [orderId],
  );
}

/** Everything that is kept of the order, as text. */
async function dump(orderId: string): Promise<string> {
  const { rows } = await api.database.pool.query<{ text: string }>(
    `select to_jsonb(o)::text as text from orders o where id = $1
     union all select to_jsonb(t)::text from order_transitions t where order_id = $1
     union all select to_jsonb(d)::text from deliveries d where order_id = $1
     union all select to_jsonb(a)::text from delivery_attempts a join deliveries d on d.id = a.delivery_id
                where d.order_id = $1
     union all select to_jsonb(n)::text from offer_declines n where order_id = $1
     union all select to_jsonb(k)::text from idempotency_keys k where response_body like '%' || $1 || '%'`,
    [orderId],
  );
  return rows.map(({ text }) => text).join('\n');
}

async function readBodies(orderId: string): Promise<WebhookBody[]> {
  const transitions = await api.database.prisma.orderTransition.findMany({
    where: { orderId },
    orderBy: { version: 'asc' },
  });
  return transitions.map(({ body }) => JSON.parse(body) as WebhookBody);
}

/** An order that was declined, accepted with notes, and cancelled with a reason; everything was delivered. */
async function createCancelledOrder(): Promise<string> {
  const orderId = await createOrder();
  const [vendor, other] = [await api.addVendor(), await api.addVendor()];
  const act = (action: string, headers: Record<string, string>, payload: object) =>
    ask('POST', `/api/vendor/orders/${orderId}/${action}`, headers, payload);
  expect((await act('reject', other.headers, { reason: 'Ada owes me money' })).status).toBe(200);
  expect((await act('accept', vendor.headers, { vendorNotes: 'beware of the dog' })).status).toBe(200);
  const url = `/api/external/orders/${orderId}/cancel`;
  expect((await ask('POST', url, server.headers, { reason: 'Ada is ill' })).status).toBe(200);
  await finishDeliveries(orderId);
  return orderId;
}

describe('erasing', () => {
  test('leaves nothing about the person anywhere, and everything else as it was', async () => {
    const orderId = await createCancelledOrder();
    const url = `/api/external/orders/${orderId}`;
    const before = (await ask('GET', url, server.headers)).body.data;
    const bodiesBefore = await readBodies(orderId);
    const dumpBefore = await dump(orderId);
    for (const text of PERSONAL) expect(dumpBefore).toContain(text);

    const { status, body } = await erase(orderId);
    expect(status, JSON.stringify(body)).toBe(200);

    const dumpAfter = await dump(orderId);
    for (const text of PERSONAL) expect(dumpAfter).not.toContain(text);
    const after = (await ask('GET', url, server.headers)).body.data;
    expect(body.data).toEqual({ ...after, customerServerId: server.id });
    const place = { address: '[erased]', coordinates: [0, 0] };
    const { workType } = before.orderData.metadata;
    const erasedData = {
      pickup: place,
      drop: place,
      items: [{ title: `${workType}: [erased]`, qty: 1, price: 250 }],
      customerNotes: '[erased]',
      metadata: {
        orderType: 'service',
        workType,
        customerName: '[erased]',
        customerPhone: '[erased]',
        urgency: 'normal',
      },
    };
    expect(after).toEqual({
      ...before,
      orderData: {
        ...before.orderData,
        ...erasedData,
        vendorNotes: '[erased]',
        cancellationReason: '[erased]',
      },
    });
    const bodies = await readBodies(orderId);
    expect(bodies).toEqual(
      bodiesBefore.map((each) => ({
        ...each,
        orderData: {
          ...each.orderData,
          ...erasedData,
          vendorNotes: each.orderData.vendorNotes && '[erased]',
          cancellationReason: each.orderData.cancellationReason && '[erased]',
        },
      })),
    );
    expect(bodies.map((each) => each.status)).toEqual(['pending', 'accepted', 'cancelled']);
    const { personalDataErasedAt } = await api.database.prisma.order.findUniqueOrThrow({
      where: { id: orderId },
    });
    expect(personalDataErasedAt).not.toBeNull();
    const lines = api.logLines.filter((line) => line.includes('Personal data erased'));
    expect(lines.filter((line) => line.includes(orderId))).toHaveLength(1);
    for (const text of PERSONAL) expect(lines.join()).not.toContain(text);
  });

  test('again changes nothing but the time of it', async () => {
    const orderId = await createCancelledOrder();
    const first = await erase(orderId);
    const bodies = await readBodies(orderId);
    expect(await erase(orderId)).toEqual(first);
    expect(await readBodies(orderId)).toEqual(bodies);
  });

  test('keeps the items of a full order', async () => {
    const orderId = await createOrder(
      buildFullOrder({ customerNotes: 'Ada is ill', metadata: { a: 'Ada' } }),
    );
    await finishDeliveries(orderId);
    const { status, body } = await erase(orderId);
    expect(status).toBe(200);
    expect(body.data.orderData).toMatchObject({
      items: [{ title: 'Electronics Repair', qty: 1, price: 250 }],
      customerNotes: '[erased]',
      vendorNotes: null,
      metadata: {},
    });
  });

  test('is refused while one of its deliveries is open, and changes nothing then', async () => {
    const orderId = await createOrder();
    const before = await dump(orderId);
    expect(await erase(orderId)).toMatchObject({ status: 409, body: { code: 'delivery_not_finished' } });
    expect(await dump(orderId)).toBe(before);
  });

  test('of an open order lets it go on without what was erased; later texts are erased by asking again', async () => {
    const orderId = await createOrder();
    await finishDeliveries(orderId);
    expect((await erase(orderId)).status).toBe(200);
    const url = `/api/external/orders/${orderId}/cancel`;
    expect((await ask('POST', url, server.headers, { reason: 'Ada is ill' })).status).toBe(200);
    await finishDeliveries(orderId);
    expect(await dump(orderId)).toContain('Ada is ill');
    expect(await erase(orderId)).toMatchObject({
      status: 200,
      body: { data: { status: 'cancelled', version: 2 } },
    });
    const kept = await dump(orderId);
    for (const text of PERSONAL) expect(kept).not.toContain(text);
  });

  test.each(['0190aaaaaaaabbbbbbbbcccc', 'x'])('%s is 404', async (id) => {
    expect(await erase(id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('is for operators', async () => {
    const url = `/api/admin/orders/${await createOrder()}/personal-data`;
    expect((await ask('DELETE', url, server.headers)).status).toBe(401);
  });
});

describe('beside an erasure', () => {
  test('a change that had read the order before writes nothing of what was erased', async () => {
    const orderId = await createOrder();
    await finishDeliveries(orderId);
    let reads = 0;
    const { order } = await changeOrderStatus(api.deps, {
      find: async () => {
        const found = await findAnyOrder(api.deps.database.pool, orderId);
        reads += 1;
        if (reads === 1) await erasePersonalDataOfOrder(api.database, orderId);
        return found;
      },
      request: () => ({ action: 'cancel', to: 'cancelled', actor: { type: 'admin', id: null } }),
      requestId: 'test',
      traceparent: null,
    });
    expect(reads).toBe(2);
    expect(order.pickup.address).toBe('[erased]');
    const kept = await dump(orderId);
    for (const text of PERSONAL) expect(kept).not.toContain(text);
  });

  test('a delivery that is being opened again comes first, and the erasure is told to wait for it', async () => {
    const orderId = await createOrder();
    await finishDeliveries(orderId);
    const createParty = await createStage(api.databaseUrl);
    const opener = await createParty('opener');
    await opener.begin();
    await opener.client.query('select 1 from orders where id = $1 for update', [orderId]);
    const erasure = erase(orderId);
    await vi.waitFor(async () => {
      const { rows } = await api.database.pool.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      );
      expect(rows).toHaveLength(1);
    });
    await opener.client.query(
      `update deliveries set state = 'waiting', finished_at = null, opened_by = 'resend' where order_id = $1`,
      [orderId],
    );
    await opener.commit();
    expect(await erasure).toMatchObject({ status: 409, body: { code: 'delivery_not_finished' } });
    expect((await readBodies(orderId))[0]?.orderData.pickup.address).toBe('1 Elm Street');
  });
});
