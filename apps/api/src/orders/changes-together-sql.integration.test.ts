/** Of changes that are written together each is as if it were alone; what would have to wait is left out. */
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import {
  type EndpointFixture,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decideCancellation } from '../testing/decide-cancellation.ts';
import { buildCreationRecord } from './build-creation-record.ts';
import { type OrderWrite, writeNewOrders, writeOrderChanges } from './changes-together-sql.ts';
import { writeNewOrder, writeOrderChange } from './order-change-sql.ts';
import { findAnyOrder } from './order-row-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

/** With a body that is hard to put into a list. */
async function decide(orderId: string): Promise<OrderWrite> {
  const { order, record } = await decideCancellation(pool(), orderId);
  const body = JSON.stringify({ orderId, text: `'"\\\\ {,} ü` });
  return { order, record: { ...record, body, requestId: 'request' } };
}

async function insertOrders(endpoint: EndpointFixture, ...lanes: Parameters<typeof insertOrder>[2][]) {
  const orders = [];
  for (const states of lanes) orders.push((await insertOrder(pool(), endpoint, states)).orderId);
  return orders;
}

async function writeAll(orderIds: readonly string[]) {
  return writeOrderChanges(pool(), await Promise.all(orderIds.map(decide)));
}

const statesOf = (recorded: Awaited<ReturnType<typeof writeAll>>) =>
  recorded.map((each) => each?.deliveries.map(({ state }) => state) ?? null);

/** All that is known of an order and its last change, but for ids, and for times of the database's clock. */
async function readRows(orderId: string) {
  const { rows } = await pool().query(
    `select to_jsonb(o) - '{id,created_at}'::text[] as order, o.items::text, o.metadata::text,
            (select jsonb_agg(to_jsonb(t) - '{id,order_id,seq,body}'::text[] - case when t.version = o.version then '' else 'changed_at' end order by t.version)
               from order_transitions t where t.order_id = o.id) as transitions,
            (select jsonb_agg(to_jsonb(d) - '{id,order_id,transition_id,due_at,head_due_at,job_due_at,opened_at,finished_at}'::text[]
                                    - case when d.order_version = o.version then '' else 'changed_at' end
                              order by d.order_version)
               from deliveries d where d.order_id = o.id) as deliveries
       from orders o where o.id = $1`,
    [orderId],
  );
  return rows[0];
}

test('each is written as it would be alone, and gets its own deliveries', async () => {
  const endpoint = await insertEndpoint(pool());
  const other = await insertEndpoint(pool(), { url: 'https://other.example/' });
  const lanes = [['delivered'], ['queued'], ['failed', 'blocked'], []] as const;
  const [alone, together] = [await insertOrders(endpoint, ...lanes), await insertOrders(endpoint, ...lanes)];
  const [elsewhere = ''] = await insertOrders(other, ['delivered']);

  const singly = [];
  const writes = [];
  for (const [index, orderId] of alone.entries()) {
    const one = await decide(orderId);
    singly.push(await writeOrderChange(pool(), one.order, one.record));
    const twin = await decide(together[index] ?? '');
    // Changed at the same time.
    writes.push({ ...twin, order: { ...one.order, orderId: twin.order.orderId } });
  }
  const recorded = await writeOrderChanges(pool(), [...writes, await decide(elsewhere)]);
  expect(statesOf(recorded)).toEqual([['queued'], ['blocked'], ['blocked'], ['queued'], ['queued']]);
  expect(statesOf(recorded.slice(0, 4))).toEqual(statesOf(singly));
  expect(recorded[4]?.deliveries).toMatchObject([{ url: 'https://other.example/', generation: 1 }]);
  for (const [index, orderId] of together.entries()) {
    expect(await readRows(orderId)).toEqual(await readRows(alone[index] ?? ''));
    const { rows } = await pool().query<{ body: string }>(
      'select body from order_transitions where order_id = $1 order by version desc limit 1',
      [orderId],
    );
    expect(rows[0]?.body).toBe(writes[index]?.record.body);
  }
});

test('an endpoint gets as many as it has room for, in the order in which they were asked for', async () => {
  const endpoint = await insertEndpoint(pool(), { window: 4 });
  await insertOrders(endpoint, ['queued'], ['queued']);
  const open = await insertOrders(
    endpoint,
    ['delivered'],
    ['delivered', 'queued'],
    ['delivered'],
    ['delivered'],
  );
  expect(statesOf(await writeAll(open))).toEqual([['queued'], ['blocked'], ['waiting'], ['waiting']]);
});

test('what somebody holds, was changed or erased meanwhile is left out, and the others are written', async () => {
  const endpoint = await insertEndpoint(pool());
  const orders = await insertOrders(endpoint, [], [], [], []);
  const [held = '', changed = '', erased = ''] = orders;
  const writes = await Promise.all(orders.map(decide));
  await pool().query('update orders set version = version + 1 where id = $1', [changed]);
  await pool().query('update orders set personal_data_erased_at = now() where id = $1', [erased]);
  const holder = await pool().connect();
  try {
    await holder.query('begin');
    await holder.query('select from orders where id = $1 for update', [held]);
    expect(statesOf(await writeOrderChanges(pool(), writes))).toEqual([null, null, null, ['queued']]);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  for (const orderId of [held, changed, erased]) expect(await readStates(pool(), orderId)).toEqual([]);
});

test('what somebody gives another secret is not waited for: neither a customer server nor a vendor', async () => {
  const [rotated, other] = [await insertEndpoint(pool()), await insertEndpoint(pool())];
  const [held = '', free = ''] = [...(await insertOrders(rotated, [])), ...(await insertOrders(other, []))];
  const [taken = '', untaken = ''] = await insertOrders(other, [], []);
  const vendors = [createId(), createId()];
  for (const id of vendors) await pool().query('insert into vendors (id) values ($1)', [id]);
  const accept = async (orderId: string, vendorId = ''): Promise<OrderWrite> => {
    const { order, record } = await decide(orderId);
    const statusActor = { type: 'vendor', id: vendorId } as const;
    return {
      order: { ...order, status: 'accepted', statusActor, vendorId, cancelledAt: null, cancelledBy: null },
      record,
    };
  };
  const writes = [
    await decide(held),
    await decide(free),
    await accept(taken, vendors[0]),
    await accept(untaken, vendors[1]),
  ];
  const made = writes.slice(0, 2).map(({ order }): OrderWrite => {
    const fresh = { ...order, orderId: createId(), version: 1 };
    return { order: fresh, record: buildCreationRecord(fresh, { requestId: null, traceparent: null }) };
  });
  const holder = await pool().connect();
  try {
    await holder.query('begin');
    await holder.query('select from customer_servers where id = $1 for update', [rotated.customerServerId]);
    await holder.query('select from vendors where id = $1 for update', [vendors[0]]);
    expect(statesOf(await writeOrderChanges(pool(), writes))).toEqual([null, ['queued'], null, ['queued']]);
    expect(statesOf(await writeNewOrders(pool(), made))).toEqual([null, ['queued']]);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
});

test('of two changes of one order one is written', async () => {
  const [orderId = ''] = await insertOrders(await insertEndpoint(pool()), ['delivered']);
  const recorded = await writeOrderChanges(pool(), [await decide(orderId), await decide(orderId)]);
  expect(recorded.filter((each) => each !== null)).toHaveLength(1);
  expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued']);
});

test('a change that would replace something is left out; where nothing is open it is not', async () => {
  const endpoint = await insertEndpoint(pool(), { mode: 'latest_only' });
  const orders = await insertOrders(
    endpoint,
    ['queued'],
    ['queued', 'blocked'],
    ['failed', 'blocked'],
    ['delivered'],
  );
  expect(statesOf(await writeAll(orders))).toEqual([null, null, null, ['queued']]);
});

test('what one of them breaks, none of them writes', async () => {
  const orders = await insertOrders(await insertEndpoint(pool()), [], []);
  const [good, bad] = await Promise.all(orders.map(decide));
  if (good === undefined || bad === undefined) throw new Error('there are two orders');
  const broken = { ...bad, order: { ...bad.order, fare: -1 } };
  await expect(writeOrderChanges(pool(), [good, broken])).rejects.toThrow(/check/);
  expect(await readStates(pool(), good.order.orderId)).toEqual([]);
});

test('new orders are as those that are made alone', async () => {
  const endpoint = await insertEndpoint(pool(), { window: 1 });
  const [sample = ''] = await insertOrders(endpoint, []);
  const found = await findAnyOrder(pool(), sample);
  if (found === null) throw new Error('there is no such order');
  const build = (): OrderWrite => {
    const order = {
      ...found.order,
      orderId: createId(),
      version: 1,
      items: [
        { serviceId: 's', serviceName: `'"\\ {}`, categoryName: 'c', quantity: 2, price: 1.5 },
      ] as never,
      metadata: { zebra: 1, 'a"b': [null, 'ü'], a: 1e21 },
      customerNotes: null,
      pickup: { address: 'A, "B"', coordinates: [77.123_456, 28.5] as [number, number] },
    };
    return { order, record: buildCreationRecord(order, { requestId: null, traceparent: null }) };
  };
  const [alone, first, second] = [build(), build(), build()];
  await writeNewOrder(pool(), alone.order, alone.record);
  await pool().query(
    `update deliveries set state = 'waiting', generation = 0, job_due_at = null, due_at = now() + interval '1 hour'
      where order_id = $1`,
    [alone.order.orderId],
  );
  expect(statesOf(await writeNewOrders(pool(), [first, second]))).toEqual([['queued'], ['waiting']]);
  expect(await readRows(second.order.orderId)).toEqual(await readRows(alone.order.orderId));
});
