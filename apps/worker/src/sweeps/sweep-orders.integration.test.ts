import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { insertReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSweepStage, type SweepStage } from '../testing/sweep-stage.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: SweepStage;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(pool());
  stage = createSweepStage(subject.database, { retentionDays: 30, retentionOrdersDays: 90 });
});

const pool = () => subject.database.pool;

/** An order that was completed so many days ago, with its deliveries; its changes have their places in the feed. */
async function insertOver(days: number, ...states: Parameters<typeof insertOrder>[2]) {
  const order = await stage.insertOld(days, ...states);
  await stage.complete(order.orderId);
  await assignFeedPositions(subject.database);
  return order;
}

async function listOrders(): Promise<string[]> {
  const { rows } = await pool().query<{ id: string }>('select id from orders order by id');
  return rows.map(({ id }) => id);
}

async function readPrunedThrough(customerServerId: string): Promise<number> {
  const { rows } = await pool().query<{ through: number }>(
    'select feed_pruned_through as through from customer_servers where id = $1',
    [customerServerId],
  );
  return rows[0]?.through ?? -1;
}

/** Every row of every table that holds the text. */
async function findMentions(text: string): Promise<string[]> {
  const { rows: tables } = await pool().query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables
      where schemaname = 'public' and tablename <> '_prisma_migrations'`,
  );
  const mentions = tables.map(({ name }) => `select '${name}' as name from ${name} t where t::text like $1`);
  const { rows } = await pool().query<{ name: string }>(mentions.join(' union all '), [`%${text}%`]);
  return rows.map(({ name }) => name);
}

test('orders are kept for ever unless the setting says otherwise', async () => {
  stage = createSweepStage(subject.database, { retentionDays: 30 });
  const { orderId } = await insertOver(4_000, 'delivered');
  await stage.sweep();
  expect(await listOrders()).toEqual([orderId]);
  expect(await stage.readPruned(orderId)).toEqual(['delivered']);
});

test('an order that was over for long enough goes, with everything that hangs on it', async () => {
  const young = await insertOver(89, 'delivered');
  const old = await insertOver(91, 'delivered', 'failed', 'cancelled');
  const { orderId, customerServerId, endpointId } = old;
  await pool().query(
    `with vendor as (insert into vendors (id) values (new_id()) returning id)
     insert into offer_declines (order_id, vendor_id) select $1, id from vendor`,
    [orderId],
  );
  await pool().query(
    `insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, outcome, response_excerpt)
     select id, 1, 'first', 'token', now(), 'acknowledged', $2 from deliveries where order_id = $1`,
    [orderId, `thank you for ${orderId}`],
  );
  await pool().query(
    `update webhook_endpoints set failing_order_ids = array['a', $2, 'b'], gone_order_ids = array[$2] where id = $1`,
    [endpointId, orderId],
  );
  await pool().query(
    `insert into idempotency_keys (customer_server_id, key, body_hash, response_body, created_at)
     values ($1, 'key', 'hash', $2, now() - interval '91 days')`,
    [customerServerId, JSON.stringify({ orderId })],
  );
  expect(new Set(await findMentions(orderId)).size).toBe(7);
  await stage.sweep();
  expect(await findMentions(orderId)).toEqual([]);
  expect(await findMentions(old.deliveryIds[0] ?? '')).toEqual([]);
  expect(await listOrders()).toEqual([young.orderId]);
  const { rows } = await pool().query(
    'select failing_order_ids as failing, gone_order_ids as gone from webhook_endpoints where id = $1',
    [endpointId],
  );
  expect(rows).toEqual([{ failing: ['a', 'b'], gone: [] }]);
  expect(stage.logLines).toMatchObject([{ order: 1, transition: 3, delivery: 4, idempotency_key: 1 }]);
  expect(await stage.countRemoved('order')).toBe(1);
});

test('what goes with an order that is kept no longer than its deliveries is counted, too', async () => {
  stage = createSweepStage(subject.database, { retentionDays: 30, retentionOrdersDays: 7 });
  await insertOver(8, 'delivered', 'delivered');
  await pool().query('update deliveries set attempt_count = 3');
  await stage.sweep();
  expect(stage.logLines).toMatchObject([{ order: 1, transition: 2, delivery: 2, attempt: 6 }]);
});

describe('an order stays', () => {
  test.each(['blocked', 'waiting', 'queued'] as const)('while a delivery is %s', async (state) => {
    const { orderId } = await insertOver(91, 'failed', state);
    await stage.sweep();
    expect(await readStates(pool(), orderId)).toEqual(['failed', state]);
  });

  test('while a delivery ended as recently as it may not have', async () => {
    const { orderId } = await insertOver(91, 'failed', 'delivered');
    await pool().query(
      `update deliveries set finished_at = now() - interval '20 days' where order_id = $1 and state = 'delivered'`,
      [orderId],
    );
    await stage.sweep();
    expect(await listOrders()).toEqual([orderId]);
    expect(await readStates(pool(), orderId)).toEqual(['delivered']);
  });

  test('while a replay counts one of its deliveries', async () => {
    const old = await insertOver(91, 'delivered');
    const replayId = await insertReplay(pool(), { ...old, endpointIds: [old.endpointId] });
    await pool().query('update deliveries set replay_id = $1, counts_for_replay = true', [replayId]);
    await stage.sweep();
    expect(await listOrders()).toEqual([old.orderId]);
  });

  test('while it is not over, however old it is', async () => {
    const { orderId } = await insertOver(400, 'delivered');
    await pool().query(`update orders set status = 'accepted', completed_at = null`);
    await stage.sweep();
    expect(await listOrders()).toEqual([orderId]);
  });

  test('while somebody holds its row', async () => {
    const [held, free] = [await insertOver(92, 'delivered'), await insertOver(91, 'delivered')];
    const holder = await pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select from orders where id = $1 for share', [held.orderId]);
      await stage.sweep();
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect(await listOrders()).toEqual([held.orderId]);
    expect(await readPrunedThrough(free.customerServerId)).toBeGreaterThan(0);
    expect(await readPrunedThrough(held.customerServerId)).toBe(0);
    await stage.sweep();
    expect(await listOrders()).toEqual([]);
  });

  test('while an idempotency key of its time is there', async () => {
    const old = await insertOver(91, 'delivered');
    await pool().query(
      `insert into idempotency_keys (customer_server_id, key, body_hash, created_at)
       select customer_server_id, 'key', 'hash', updated_at from orders`,
    );
    const holder = await pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select from idempotency_keys for update');
      await stage.sweep();
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect(await listOrders()).toEqual([old.orderId]);
    await stage.sweep();
    expect(await listOrders()).toEqual([]);
  });
});

describe('the feed', () => {
  test('is complete after the highest position that was removed, of each customer server', async () => {
    const one = await insertOver(95, 'delivered');
    const two = await insertOver(94, 'delivered', 'delivered');
    const { orderId: third } = await insertOrder(pool(), one, ['delivered']);
    await assignFeedPositions(subject.database);
    await stage.complete(third);
    await stage.age(third, 93);
    const { rows } = await pool().query<{ id: string; position: number }>(
      'select customer_server_id as id, max(feed_position) as position from order_transitions group by 1',
    );
    await stage.sweep();
    expect(await listOrders()).toEqual([]);
    for (const { id, position } of rows) expect(await readPrunedThrough(id)).toBe(position);
    expect(rows.map(({ id }) => id).toSorted()).toEqual(
      [one, two].map((each) => each.customerServerId).toSorted(),
    );
  });

  test('places what has no place before that is removed', async () => {
    const { customerServerId, orderId } = await insertOver(91, 'delivered');
    await pool().query('update order_transitions set feed_position = null where order_id = $1', [orderId]);
    await stage.sweep();
    expect(await listOrders()).toEqual([]);
    expect(await readPrunedThrough(customerServerId)).toBeGreaterThan(1);
  });

  test('never goes back', async () => {
    const { customerServerId } = await insertOver(91, 'delivered');
    await pool().query('update customer_servers set feed_pruned_through = 1000000');
    await stage.sweep();
    expect(await listOrders()).toEqual([]);
    expect(await readPrunedThrough(customerServerId)).toBe(1_000_000);
  });
});

test('many orders go in batches of few changes, and one with many alone', async () => {
  const endpoint = await insertEndpoint(pool());
  const orderIds: string[] = [];
  for (let n = 0; n < 4; n += 1) {
    const { orderId } = await insertOrder(pool(), endpoint, ['delivered']);
    orderIds.push(orderId);
    await stage.complete(orderId);
    await stage.age(orderId, 100 - n);
  }
  // The second one has a partner that went back and forth.
  await pool().query(
    `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status, actor_type, changed_at, body)
     select new_id(), $1, $2, n, 'assigned', 'assigned', 'partner', now(), '{}' from generate_series(2, 501) n`,
    [orderIds[1], endpoint.customerServerId],
  );
  await pool().query('update orders set version = 501 where id = $1', [orderIds[1]]);
  await assignFeedPositions(subject.database);
  const removedAfter: number[] = [];
  for (let pause = await stage.sweepOn(); pause !== null; pause = await stage.sweepOn()) {
    removedAfter.push(4 - (await listOrders()).length);
  }
  expect(removedAfter).toEqual([0, 0, 0, 0, 1, 2]);
  expect(await listOrders()).toEqual([]);
});

test('a connection that dies while orders are removed leaves all of them', async () => {
  const old = await insertOver(91, 'delivered');
  // Nothing of it is pruned, so the sweep of orders comes to its deliveries, and waits there.
  stage = createSweepStage(subject.database, { retentionDays: 365, retentionOrdersDays: 90 });
  const holder = await pool().connect();
  const application = `test ${createId()}`;
  try {
    await holder.query('begin');
    await holder.query(`select set_config('application_name', $1, false)`, [application]);
    await holder.query('select from deliveries for update');
    const sweeping = stage.sweep();
    await expect
      .poll(async () => {
        const { rowCount } = await pool().query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where (select pid from pg_stat_activity where application_name = $1) = any (pg_blocking_pids(pid))`,
          [application],
        );
        return rowCount;
      })
      .toBe(1);
    await sweeping;
  } finally {
    await holder.query('rollback');
    holder.release(true);
  }
  expect(await readStates(pool(), old.orderId)).toEqual(['delivered']);
  expect(stage.logLines).toMatchObject([{ level: 'warn', kind: 'order' }]);
  await stage.sweep();
  expect(await listOrders()).toEqual([]);
});
