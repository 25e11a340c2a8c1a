/** What is over costs what is under way nothing, however much of it is kept. */
import {
  listAllDeliveries,
  listDeliveriesForCustomerServer,
} from '@vendor-server/api/deliveries/list-deliveries-sql.ts';
import { readFeedForCustomerServer } from '@vendor-server/api/events/feed-sql.ts';
import { readNewOrderFacts } from '@vendor-server/api/offers/offers-sql.ts';
import { buildCreationRecord } from '@vendor-server/api/orders/build-creation-record.ts';
import { writeOrderChanges } from '@vendor-server/api/orders/changes-together-sql.ts';
import { findOrderForTaker } from '@vendor-server/api/orders/find-order-for-taker-sql.ts';
import { listAllOrders, listOrdersForCustomerServer } from '@vendor-server/api/orders/list-orders-sql.ts';
import { writeNewOrder, writeOrderChange } from '@vendor-server/api/orders/order-change-sql.ts';
import { findOrderForCustomerServer } from '@vendor-server/api/orders/order-row-sql.ts';
import { decideCancellation } from '@vendor-server/api/testing/decide-cancellation.ts';
import { readTimelineForCustomerServer } from '@vendor-server/api/timelines/timeline-sql.ts';
import { buildNewOrder } from '@vendor-server/domain/orders/build-new-order.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { findMovable, moveDueHeads, moveLanesNext } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { hasUnplacedChanges } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { explain, explainKeptPlan } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { claimDeliveries } from '@vendor-server/worker/deliveries/claim-sql.ts';
import { recordAttempts } from '@vendor-server/worker/deliveries/record-sql.ts';
import { settleRefusals } from '@vendor-server/worker/deliveries/refusal-sql.ts';
import {
  endExpiredClaims,
  findEndingClaims,
  findLateJobs,
  findPromotableEndpoints,
  findStandingLanes,
  renewGenerations,
} from '@vendor-server/worker/relay/relay-sql.ts';
import { findEndedOrders } from '@vendor-server/worker/sweeps/order-sweep-sql.ts';
import {
  pruneDeliveries,
  removeDeclines,
  removeIdempotencyKeys,
  removeReplays,
} from '@vendor-server/worker/sweeps/sweep-sql.ts';
import { answered } from '@vendor-server/worker/testing/attempt-results.ts';
import { DELIVERED } from '@vendor-server/worker/testing/record-stage.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectShortReadsOn, findLongReads } from './expect-short-reads.ts';
import {
  insertFinished,
  insertHistory,
  insertKept,
  insertOrders,
  insertTenant,
  insertVendors,
  withoutForeignKeys,
} from './insert-finished.ts';
import { readSizesOfOpen } from './read-sizes-of-open.ts';

const FINISHED = 200_000;
const HISTORY = 10_000;
const ORDERS = 20_000;
const KEPT = 5_000;
const VENDORS = 20_000;
/** A page, and the one row more that tells whether there is another. */
const PAGE = { limit: 50, after: null };
const OF_A_PAGE = 51;
/** To whom all of it belongs. */
const TENANT = '0'.repeat(24);
const FEW = 10;
const CLAIMED = 300;
const EXPIRED = 100;
/** What the window is counted up to. */
const MOST_COUNTED = 64;
/** Longer than these tests take. */
const TIMEOUT_MS = 3_600_000;
const NOTHING = { delivered: 0, waiting: 0, blocked: 0, queued: 0 };
const TABLES =
  'deliveries, delivery_attempts, order_transitions, orders, offer_declines, replays, idempotency_keys, vendors';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
/** Of what is over. */
let endpointIds: string[];
/** Of the indexes of what is open, by name: empty, and beside what is over. */
let emptySizes: Readonly<Record<string, number>>;
let agedSizes: Readonly<Record<string, number>>;
const pool = () => subject.database.pool;

beforeAll(async () => {
  subject = await createTestDatabase();
  for (const table of TABLES.split(', ')) {
    await pool().query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  emptySizes = await readSizesOfOpen(pool());
  endpointIds = await insertFinished(pool(), FINISHED);
  agedSizes = await readSizesOfOpen(pool());
  await insertHistory(pool(), 'delivered', HISTORY);
  await insertOrders(pool(), ORDERS);
  await insertVendors(pool(), VENDORS, FEW);
  await insertKept(pool(), KEPT);
  await insertTenant(pool(), TENANT);
  // Statistics of a quiet time: nothing was claimed.
  await pool().query(`vacuum analyze ${TABLES}`);
  await insertBacklog(pool(), { ...NOTHING, endpoints: 20, queued: CLAIMED });
  await insertHistory(pool(), 'queued', HISTORY);
  await pool().query(
    `update deliveries set claim_token = id, attempt_count = 1, claimed_until = now() + interval '1 hour'
      where state = 'queued'`,
  );
  await pool().query(
    `update deliveries set claimed_until = now() - interval '1 minute'
      where id = any (array(select id from deliveries where claim_token is not null order by id limit $1))`,
    [EXPIRED],
  );
}, 60_000);
afterAll(() => subject.drop());

/** The jobs of so many that were claimed, and are not any more. */
async function releaseClaims(count: number) {
  const { rows } = await pool().query<{ deliveryId: string }>(
    `update deliveries set claim_token = null, claimed_until = null
      where id = any (array(select id from deliveries
                             where claimed_until > now() and generation = 1 order by id limit $1))
     returning id as "deliveryId"`,
    [count],
  );
  expect(rows).toHaveLength(count);
  return rows.map(({ deliveryId }) => ({ deliveryId, generation: 1, token: deliveryId }));
}

/** An order with open deliveries at an endpoint that has thousands that are over. */
async function insertOpenOrder(mode: 'every_step' | 'latest_only' = 'every_step') {
  const [endpointId = ''] = endpointIds;
  const { rows } = await pool().query<{ customerServerId: string }>(
    `update webhook_endpoints set mode = $2 where id = $1 returning customer_server_id as "customerServerId"`,
    [endpointId, mode],
  );
  const endpoint = { endpointId, customerServerId: rows[0]?.customerServerId ?? '' };
  return { ...endpoint, ...(await insertOrder(pool(), endpoint, ['waiting', 'blocked'])) };
}

type Run = (executor: SqlExecutor) => Promise<unknown>;
const expectShortReads = (run: Run, most: number, executor: SqlExecutor = pool()) =>
  expectShortReadsOn(executor, run, most);

describe.each(['select 1', `analyze ${TABLES}`])('after %s', (prepare) => {
  beforeAll(() => pool().query(prepare), 60_000);

  test('claims that ran out are ended, of what workers have on their way', async () => {
    await expectShortReads((executor) => findEndingClaims(executor, 0, EXPIRED / 2), CLAIMED);
    const lost = await findEndingClaims(pool(), 0, EXPIRED / 2);
    await expectShortReads((executor) => endExpiredClaims(executor, lost), lost.length);
  });

  test('many are claimed at once, or refused', async () => {
    for (const count of [1, 16, 128]) {
      const jobs = await releaseClaims(count);
      const plans = [await explain(pool(), (executor) => settleRefusals(executor, jobs))];
      plans.push(await explainKeptPlan(pool(), (executor) => settleRefusals(executor, jobs)));
      plans.push(await explain(pool(), (executor) => claimDeliveries(executor, jobs, TIMEOUT_MS)));
      const again = await releaseClaims(count);
      plans.push(await explainKeptPlan(pool(), (executor) => claimDeliveries(executor, again, TIMEOUT_MS)));
      for (const plan of plans) expect(findLongReads(plan, count)).toEqual([]);
      const { rows } = await pool().query(
        `select count(*) as left from deliveries
          where id = any ($1) and claim_token is null`,
        [jobs.map(({ deliveryId }) => deliveryId)],
      );
      expect(rows).toEqual([{ left: 0 }]);
    }
  });

  test('attempts are recorded', async () => {
    const { rows } = await pool().query<{ deliveryId: string; attemptNumber: number; token: string }>(
      `select id as "deliveryId", attempt_count as "attemptNumber", claim_token as token from deliveries
        where claimed_until > now() order by id desc limit 32`,
    );
    const records = rows.map((key) => ({ key, result: answered(200), step: DELIVERED }));
    await expectShortReads((executor) => recordAttempts(executor, records.slice(16)), CLAIMED);
    const kept = await explainKeptPlan(pool(), (executor) => recordAttempts(executor, records.slice(0, 16)));
    expect(findLongReads(kept, CLAIMED)).toEqual([]);
  });

  test.each(['every_step', 'latest_only'] as const)('an order changes: %s', async (mode) => {
    const { orderId } = await insertOpenOrder(mode);
    const { order, record } = await decideCancellation(pool(), orderId);
    await expectShortReads((executor) => writeOrderChanges(executor, [{ order, record }]), MOST_COUNTED);
    await expectShortReads((executor) => writeOrderChange(executor, order, record), MOST_COUNTED);
  });

  test('an order is created, and taken', async () => {
    const { customerServerId } = await insertOpenOrder();
    const place = { address: 'a', coordinates: [77, 28] as [number, number] };
    const input = { customerId: 'customer-1', pickup: place, drop: place, items: [], fare: 1 };
    await expectShortReads((executor) => readNewOrderFacts(executor, 'plumbing'), FEW);
    const order = buildNewOrder(input, { orderId: createId(), customerServerId }, new Date());
    const record = buildCreationRecord(order, { requestId: 'test', traceparent: null });
    await expectShortReads((executor) => writeNewOrder(executor, order, record), MOST_COUNTED);
    const { rows } = await pool().query<{ orderId: string; vendorId: string }>(
      'select (select min(id) from orders) as "orderId", (select min(id) from vendors) as "vendorId"',
    );
    const [{ orderId, vendorId } = { orderId: '', vendorId: '' }] = rows;
    await expectShortReads((executor) => findOrderForTaker(executor, vendorId, orderId), 1);
    await expectShortReads((executor) => findOrderForCustomerServer(executor, TENANT, orderId), 1);
  });

  test('the feed, a timeline and lists read what they show', async () => {
    await expectShortReads((executor) => hasUnplacedChanges(executor), 1);
    const { rows } = await pool().query<{ orderId: string; endpointId: string }>(
      `select order_id as "orderId", endpoint_id as "endpointId" from deliveries where state = 'delivered' limit 1`,
    );
    const [{ orderId, endpointId } = { orderId: '', endpointId: '' }] = rows;
    const reads: Run[] = [
      (executor) => readFeedForCustomerServer(executor, TENANT, HISTORY / 2, PAGE.limit),
      (executor) => readTimelineForCustomerServer(executor, TENANT, orderId),
      ...[{}, { state: 'failed' as const }, { state: 'waiting' as const }, { orderId }, { endpointId }].map(
        (filter): Run =>
          (executor) =>
            listDeliveriesForCustomerServer(executor, TENANT, filter, PAGE),
      ),
      (executor) => listAllDeliveries(executor, {}, PAGE),
      (executor) => listOrdersForCustomerServer(executor, TENANT, {}, PAGE),
      (executor) => listAllOrders(executor, {}, PAGE),
    ];
    for (const read of reads) await expectShortReads(read, 2 * OF_A_PAGE);
  });

  test('lanes are looked at and moved', async () => {
    const { endpointId, orderId } = await insertOpenOrder();
    const looks = [{ endpointId, orderIds: [orderId] }];
    await expectShortReads((executor) => findMovable(executor, looks), MOST_COUNTED);
    await expectShortReads((executor) => moveLanesNext(executor, looks), MOST_COUNTED);
    await expectShortReads((executor) => moveDueHeads(executor, [endpointId]), MOST_COUNTED);
  });

  test('the relay finds what it repairs', async () => {
    const open = CLAIMED + MOST_COUNTED;
    await expectShortReads((executor) => findLateJobs(executor, 0, null, 100), open);
    await expectShortReads((executor) => findPromotableEndpoints(executor, '', 200), open);
    await expectShortReads(
      (executor) => findStandingLanes(executor, { endpointId: '', orderId: '' }, 500),
      open,
    );
    const lost = await releaseClaims(1);
    await expectShortReads((executor) => renewGenerations(executor, lost), 1);
  });

  test('what a removed replay lets go of is found', async () => {
    // As the foreign key says it.
    const text = 'update only deliveries set replay_id = null where $1::char(24) = replay_id';
    await expectShortReads((executor) => executor.query({ text, values: ['a'] }), 0);
  });

  test('retention looks at what it removes, and at no more', async () => {
    const [begin, keepDays, limit] = [new Date(0), 0, 500];
    await withoutForeignKeys(pool(), (client) =>
      expectShortReads((executor) => pruneDeliveries(executor, keepDays, begin, limit), limit, client),
    );
    for (const remove of [removeDeclines, removeReplays, removeIdempotencyKeys]) {
      // So few of the few there are that an index is worth it.
      await expectShortReads((executor) => remove(executor, keepDays, begin, FEW), FEW);
    }
  });
});

test('retention finds orders that are over among those that are open, by when they ended', async () => {
  for (const prepare of ['select 1', 'analyze orders']) {
    await pool().query(prepare);
    await expectShortReads((executor) => findEndedOrders(executor, 30, new Date(0), 100), 100);
  }
  expect(await findEndedOrders(pool(), 30, new Date(0), 100)).toHaveLength(100);
});

test('both looks found some that had run out', async () => {
  const { rows } = await pool().query(`select count(*) from deliveries where last_outcome = 'interrupted'`);
  expect(rows).toEqual([{ count: EXPIRED }]);
});

test('the indexes of what is open are as large as what is open, whatever has passed through them', async () => {
  expect(Object.keys(agedSizes).length).toBeGreaterThan(5);
  expect(agedSizes).toEqual(emptySizes);
  const passThrough = async () => {
    await insertBacklog(pool(), { ...NOTHING, endpoints: 4, queued: 1_000 });
    const full = await readSizesOfOpen(pool());
    await pool().query(
      `update deliveries set state = 'delivered', finished_at = now(), job_due_at = null
        where state = 'queued' and claim_token is null`,
    );
    // As autovacuum does, if it keeps up.
    await pool().query('vacuum (index_cleanup on) deliveries');
    return full;
  };
  const first = await passThrough();
  for (let n = 0; n < 3; n += 1) await passThrough();
  const last = await passThrough();
  for (const [name, bytes] of Object.entries(last)) {
    expect(bytes, name).toBeLessThanOrEqual(2 * (first[name] ?? 0));
  }
});
