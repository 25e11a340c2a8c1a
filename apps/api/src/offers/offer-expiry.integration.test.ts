import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOrderWrites } from '../orders/create-order-writes.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { cancelExpiredOffers } from './cancel-expired-offers.ts';
import { findExpiredOffers } from './expired-offers-sql.ts';
import { startOfferExpiry } from './start-offer-expiry.ts';

const TTL_MS = 60_000;

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi({ ORDER_OFFER_TTL_MS: '1000' });
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.database.pool.query('truncate orders cascade');
  server = await api.addCustomerServer('http://127.0.0.1:4000/');
});

/** An order that became pending `agoMs` ago. */
async function createOrder(agoMs: number, changes: Record<string, unknown> = {}): Promise<string> {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: server.headers,
    payload: buildServiceOrder(changes),
  });
  expect(answer.statusCode, answer.body).toBe(201);
  const { orderId } = answer.json().data;
  await api.database.pool.query(
    `update orders set updated_at = updated_at - $2::float8 * interval '1 ms' where id = $1`,
    [orderId, agoMs],
  );
  return orderId;
}

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const read = (orderId: string) => api.database.prisma.order.findUniqueOrThrow({ where: { id: orderId } });

test('an order that nobody took is cancelled by the system, with its webhook', async () => {
  const orderId = await createOrder(TTL_MS);
  api.jobs.length = 0;
  expect(await cancelExpiredOffers(api.deps, TTL_MS)).toBe(false);

  expect(await read(orderId)).toMatchObject({
    status: 'cancelled',
    version: 2,
    cancelledBy: 'admin',
    cancellationReason: 'no_vendor',
  });
  const transition = await api.database.prisma.orderTransition.findFirstOrThrow({
    where: { orderId, version: 2 },
    include: { deliveries: true },
  });
  expect(transition).toMatchObject({
    fromStatus: 'pending',
    toStatus: 'cancelled',
    actorType: 'admin',
    actorId: 'system',
    reason: 'no_vendor',
    requestId: expect.stringMatching(/^[0-9a-f]{24}$/),
  });
  expect(JSON.parse(transition.body).orderData).toMatchObject({
    cancelledBy: 'admin',
    cancellationReason: 'no_vendor',
  });
  expect(transition.deliveries).toHaveLength(1);
  // The creation was told nobody yet: this one waits behind it, in its lane.
  expect(transition.deliveries[0]?.state).toBe('blocked');
  const line = api.logLines.find((each) => each.includes('no vendor took it in time')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({ orderId, requestId: transition.requestId });
  expect(await cancelExpiredOffers(api.deps, TTL_MS)).toBe(false);
  expect(await read(orderId)).toMatchObject({ version: 2 });
});

test('what is not overdue, was taken, or is for later stays', async () => {
  const kept = [
    await createOrder(TTL_MS - 30_000),
    await createOrder(TTL_MS * 10, { scheduledAt: inMs(TTL_MS) }),
    await createOrder(TTL_MS * 10, { scheduledAt: inMs(-TTL_MS / 2) }),
  ];
  const overdue = await createOrder(TTL_MS * 10, { scheduledAt: inMs(-TTL_MS * 2) });
  const taken = await createOrder(0);
  const vendor = await api.addVendor();
  const accepted = await api.app.inject({
    method: 'POST',
    url: `/api/vendor/orders/${taken}/accept`,
    headers: vendor.headers,
  });
  expect(accepted.statusCode).toBe(200);
  await api.database.pool.query(
    `update orders set updated_at = updated_at - interval '1 day' where id = $1`,
    [taken],
  );

  await cancelExpiredOffers(api.deps, TTL_MS);
  for (const orderId of kept) expect(await read(orderId)).toMatchObject({ status: 'pending' });
  expect(await read(taken)).toMatchObject({ status: 'accepted' });
  expect(await read(overdue)).toMatchObject({ status: 'cancelled' });
});

test('an order that came back is offered for the whole time again', async () => {
  const orderId = await createOrder(TTL_MS * 10);
  const vendor = await api.addVendor();
  for (const [action, payload] of [
    ['assign', { vendorId: vendor.id }],
    ['unassign', {}],
  ] as const) {
    const url = `/api/admin/orders/${orderId}/${action}`;
    const answer = await api.app.inject({ method: 'POST', url, headers: api.operator, payload });
    expect(answer.statusCode).toBe(200);
  }
  await cancelExpiredOffers(api.deps, TTL_MS);
  expect(await read(orderId)).toMatchObject({ status: 'pending', version: 3 });
});

test('a vendor that accepts while it is decided comes first', async () => {
  const orderId = await createOrder(TTL_MS);
  const vendor = await api.addVendor();
  // Between the reading of the order and the writing of its cancellation.
  const pool = api.database.pool;
  let accepts = 0;
  const racingPool = new Proxy(pool, {
    get(target, property) {
      if (property !== 'query') return Reflect.get(target, property, target);
      return async (config: { name?: string }, ...rest: unknown[]) => {
        if (config.name === 'write-order-change' && accepts === 0) {
          accepts += 1;
          const url = `/api/vendor/orders/${orderId}/accept`;
          const answer = await api.app.inject({ method: 'POST', url, headers: vendor.headers });
          expect(answer.statusCode).toBe(200);
        }
        return Reflect.apply(target.query, target, [config, ...rest]);
      };
    },
  });
  const orderWrites = createOrderWrites({ pool: racingPool, waiting: racingPool });
  await cancelExpiredOffers({ ...api.deps, orderWrites }, TTL_MS);
  expect(accepts).toBe(1);
  expect(await read(orderId)).toMatchObject({ status: 'accepted', version: 2 });
});

test('a full batch is followed by the next at once, and two processes cancel nothing twice', async () => {
  const first = await createOrder(TTL_MS);
  await api.database.pool.query(
    `insert into orders select (o.r).* from (
       select jsonb_populate_record(o, jsonb_build_object('id', lpad(to_hex(n), 24, '0'))) as r
         from orders o, generate_series(1, 249) n where id = $1) o`,
    [first],
  );
  const both = await Promise.all([
    cancelExpiredOffers(api.deps, TTL_MS),
    cancelExpiredOffers(api.deps, TTL_MS),
  ]);
  expect(both).toContain(true);
  await cancelExpiredOffers(api.deps, TTL_MS);
  const versions = await api.database.prisma.order.groupBy({ by: ['status', 'version'], _count: true });
  expect(versions).toEqual([{ status: 'cancelled', version: 2, _count: 250 }]);
});

test('the search asks the index', async () => {
  const client = await api.database.pool.connect();
  try {
    await client.query('set enable_seqscan = off');
    const plans: string[] = [];
    const explain = {
      async query({ text, values }: { text: string; values: unknown[] }) {
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
        plans.push(...rows.map((row) => row['QUERY PLAN']));
        return { rows: [] };
      },
    };
    await findExpiredOffers(explain as unknown as SqlExecutor, TTL_MS, 10);
    expect(plans.join('\n')).toMatch(/using orders_offered_from_idx[^]*Index Cond/);
    expect(plans.join('\n')).not.toMatch(/Sort|Filter/);
  } finally {
    client.release(true);
  }
});

describe('the loop', () => {
  test('is off without the setting', () => {
    const settings = { ...api.deps.settings, orderOfferTtlMs: null };
    expect(startOfferExpiry({ ...api.deps, settings })).toBeNull();
  });

  test('cancels in time, goes on after a failure, and stops', async () => {
    let failures = 0;
    const pool = new Proxy(api.database.pool, {
      get(target, property) {
        if (property === 'connect' && failures < 2) {
          failures += 1;
          return () => Promise.reject(new Error('the database is away'));
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const loop = startOfferExpiry({ ...api.deps, database: { ...api.database, pool } });
    const orderId = await createOrder(0);
    await vi.waitFor(async () => expect(await read(orderId)).toMatchObject({ status: 'cancelled' }), 10_000);
    const { createdAt, cancelledAt } = await read(orderId);
    const lateMs = (cancelledAt?.getTime() ?? 0) - createdAt.getTime() - 1_000;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(failures).toBe(2);
    await loop?.stop();
  });

  test('an operator cannot pass for the system', async () => {
    const orderId = await createOrder(0);
    const answer = await api.app.inject({
      method: 'POST',
      url: `/api/admin/orders/${orderId}/cancel`,
      headers: { ...api.operator, 'x-operator': 'system' },
    });
    expect(answer.statusCode).toBe(400);
    expect(await read(orderId)).toMatchObject({ status: 'pending' });
  });
});
