/** What is asked for in one moment is read in one statement, and each gets what it would have got alone. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestApi, type TestApi, type TestVendor } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { createOrderReads } from './create-order-reads.ts';
import { findOrderForTaker } from './find-order-for-taker-sql.ts';
import { findAnyOrder, findOrderForCustomerServer, findOrderForVendor } from './order-row-sql.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let vendor: TestVendor;
let offered: string;
let taken: string;
let sent: string[];

beforeAll(async () => {
  api = await createTestApi();
  server = await api.addCustomerServer();
  vendor = await api.addVendor();
  await api.addVendor({ services: ['plumbing'] });
  offered = await create();
  taken = await create();
  const accepted = await api.app.inject({
    method: 'POST',
    url: `/api/vendor/orders/${taken}/accept`,
    headers: vendor.headers,
    payload: {},
  });
  expect(accepted.statusCode).toBe(200);
}, 30_000);
beforeEach(() => {
  sent = [];
});
afterAll(() => api.close());

async function create(): Promise<string> {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: server.headers,
    payload: buildServiceOrder(),
  });
  return answer.json().data.orderId;
}

const pool = () => api.database.pool;
const noting = {
  query(statement: { readonly name: string }) {
    sent.push(statement.name);
    return pool().query(statement as never);
  },
} as unknown as SqlExecutor;

/** But for the time of the read. */
const withoutNow = (found: object | null) => found && { ...found, now: null };

test('whoever asks, each finds its own and nobody another’s', async () => {
  const reads = createOrderReads(noting);
  const nobody = createId();
  const cases = [
    [
      reads.findOrderForCustomerServer(server.id, offered),
      findOrderForCustomerServer(pool(), server.id, offered),
    ],
    [reads.findOrderForCustomerServer(nobody, offered), null],
    [reads.findOrderForVendor(vendor.id, taken), findOrderForVendor(pool(), vendor.id, taken)],
    [reads.findOrderForVendor(vendor.id, offered), null],
    [reads.findOrderForVendor(nobody, taken), null],
    [reads.findAnyOrder(taken), findAnyOrder(pool(), taken)],
    [reads.findAnyOrder(nobody), null],
    [reads.findOrderForTaker(vendor.id, offered), findOrderForTaker(pool(), vendor.id, offered)],
    [reads.findOrderForTaker(vendor.id, taken), findOrderForTaker(pool(), vendor.id, taken)],
    [reads.findOrderForTaker(vendor.id, nobody), null],
    [reads.findOrderForTaker(nobody, offered), null],
  ] as const;
  for (const [together, alone] of cases) expect(withoutNow(await together)).toEqual(withoutNow(await alone));
  expect(sent.toSorted()).toEqual(['find-orders', 'find-orders-for-takers']);
});

test('one alone is read by the statement for one', async () => {
  const reads = createOrderReads(noting);
  await reads.findOrderForVendor(vendor.id, taken);
  await reads.findOrderForCustomerServer(server.id, taken);
  await reads.findAnyOrder(taken);
  await reads.findOrderForTaker(vendor.id, taken);
  expect(sent).toEqual([
    'find-order-for-vendor',
    'find-order-for-customer-server',
    'find-any-order',
    'find-order-for-taker',
  ]);
});

test('a read begins after the call that asks for it', async () => {
  const reads = createOrderReads(noting);
  const first = reads.findAnyOrder(offered);
  // While that one is under way.
  await new Promise((resolve) => setImmediate(resolve));
  const { rows } = await pool().query<{ now: Date }>(
    `select date_trunc('milliseconds', clock_timestamp()) as now`,
  );
  const second = await reads.findAnyOrder(offered);
  await first;
  expect(second!.now.getTime()).toBeGreaterThanOrEqual(rows[0]!.now.getTime());
});

test('new orders of one moment that want the same work share what they go by', async () => {
  const reads = createOrderReads(noting);
  const [one, same, other] = await Promise.all([
    reads.readNewOrderFacts('plumbing'),
    reads.readNewOrderFacts('plumbing'),
    reads.readNewOrderFacts('carpentry'),
  ]);
  expect(sent).toEqual(['read-new-order-facts', 'read-new-order-facts']);
  expect(one).toEqual(same);
  expect(one.vendorsOfferedTo).toBeGreaterThan(other.vendorsOfferedTo);
});
