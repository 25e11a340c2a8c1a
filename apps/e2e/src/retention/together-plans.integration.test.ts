/**
 * What the API reads and writes for many callers in one statement is found by indexes, for each of them, with the plan that
 * its connections keep, however much there is.
 */
import { buildCreationRecord } from '@vendor-server/api/orders/build-creation-record.ts';
import {
  type OrderWrite,
  writeNewOrders,
  writeOrderChanges,
} from '@vendor-server/api/orders/changes-together-sql.ts';
import { findOrders, findOrdersForTakers } from '@vendor-server/api/orders/find-orders-sql.ts';
import { findOrderForVendor } from '@vendor-server/api/orders/order-row-sql.ts';
import { decideCancellation } from '@vendor-server/api/testing/decide-cancellation.ts';
import { buildNewOrder } from '@vendor-server/domain/orders/build-new-order.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { explain, explainKeptPlan } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findLongReads } from './expect-short-reads.ts';
import { insertOrders, insertVendors } from './insert-finished.ts';

const TABLES = 'deliveries, order_transitions, orders, vendors';
const BACKLOG = { endpoints: 20, delivered: 20_000, waiting: 5_000, blocked: 5_000, queued: 500 };
const ORDERS = 20_000;
const VENDORS = 20_000;
/** Whose most orders are. */
const CUSTOMER_SERVER_ID = '0'.repeat(24);
/** One, some, and as many as go into one statement. */
const COUNTS = [1, 16, 64];
/** Of any table, for each that is asked for: the rooms of an endpoint are counted up to its window. */
const MOST_READ = 64;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
const pool = () => subject.database.pool;

beforeAll(async () => {
  subject = await createTestDatabase();
  for (const table of TABLES.split(', ')) {
    await pool().query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  await insertOrders(pool(), ORDERS);
  await insertVendors(pool(), VENDORS, 10);
  await insertBacklog(pool(), BACKLOG);
  // As the statistics are that a connection plans with for all that follows.
  await pool().query(`vacuum analyze ${TABLES}`);
}, 60_000);
afterAll(() => subject.drop());

type Run = (executor: SqlExecutor) => Promise<unknown>;

/** @param prepare makes what one run works on: a statement that writes is run, and finds nothing to do another time */
async function expectShortReads(prepare: () => Promise<Run>, most: number): Promise<void> {
  const plans = [await explainKeptPlan(pool(), await prepare()), await explain(pool(), await prepare())];
  for (const plan of plans) expect(findLongReads(plan, most)).toEqual([]);
}

async function findIds(count: number): Promise<{ orderId: string; vendorId: string }[]> {
  const { rows } = await pool().query<{ orderId: string; vendorId: string }>(
    `select o.id as "orderId", v.id as "vendorId"
       from (select id, row_number() over (order by id) as n from orders where customer_server_id = $2) o
       join (select id, row_number() over (order by id) as n from vendors) v using (n)
      order by n limit $1`,
    [count, CUSTOMER_SERVER_ID],
  );
  expect(rows).toHaveLength(count);
  return rows;
}

/** Orders with an open delivery and one behind it, each of a customer server of its own. */
async function decideChanges(count: number): Promise<OrderWrite[]> {
  const writes: OrderWrite[] = [];
  for (let n = 0; n < count; n += 1) {
    const { orderId } = await insertOrder(pool(), await insertEndpoint(pool()), ['waiting', 'blocked']);
    writes.push(await decideCancellation(pool(), orderId));
  }
  return writes;
}

async function buildNewOrders(count: number): Promise<OrderWrite[]> {
  const place = { address: 'a', coordinates: [77, 28] as [number, number] };
  const input = { customerId: 'customer-1', pickup: place, drop: place, items: [], fare: 1 };
  const writes: OrderWrite[] = [];
  for (let n = 0; n < count; n += 1) {
    const { customerServerId } = await insertEndpoint(pool());
    const order = buildNewOrder(input, { orderId: createId(), customerServerId }, new Date());
    writes.push({ order, record: buildCreationRecord(order, { requestId: 'test', traceparent: null }) });
  }
  return writes;
}

async function countChangesTo(status: string): Promise<number> {
  const { rows } = await pool().query<{ count: number }>(
    'select count(*)::int from order_transitions where to_status = $1',
    [status],
  );
  return rows[0]?.count ?? 0;
}

describe.each(COUNTS)('%i', (count) => {
  test('orders are read, by those who may see them and by who would take them', async () => {
    const ids = await findIds(count);
    const asked = ids.map(({ orderId }) => ({
      orderId,
      customerServerId: CUSTOMER_SERVER_ID,
      vendorId: null,
    }));
    expect((await findOrders(pool(), asked)).filter((found) => found !== null)).toHaveLength(count);
    await expectShortReads(async () => (executor) => findOrders(executor, asked), count);
    expect((await findOrdersForTakers(pool(), ids)).filter((found) => found !== null)).toHaveLength(count);
    await expectShortReads(async () => (executor) => findOrdersForTakers(executor, ids), count);
  });

  test('orders change', async () => {
    const before = await countChangesTo('cancelled');
    await expectShortReads(async () => {
      const writes = await decideChanges(count);
      return (executor) => writeOrderChanges(executor, writes);
    }, count * MOST_READ);
    // Both runs did.
    expect(await countChangesTo('cancelled')).toBe(before + 2 * count);
  });

  test('orders are created', async () => {
    const before = await countChangesTo('pending');
    await expectShortReads(async () => {
      const writes = await buildNewOrders(count);
      return (executor) => writeNewOrders(executor, writes);
    }, count * MOST_READ);
    expect(await countChangesTo('pending')).toBe(before + 2 * count);
  });
});

test('one order is read by its vendor', async () => {
  const [{ orderId, vendorId } = { orderId: '', vendorId: '' }] = await findIds(1);
  await expectShortReads(async () => (executor) => findOrderForVendor(executor, vendorId, orderId), 1);
});
