import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { insertReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSweepStage, type SweepStage } from '../testing/sweep-stage.ts';
import { pruneDeliveries } from './sweep-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: SweepStage;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(pool());
  stage = createSweepStage(subject.database, { retentionDays: 30 });
});

const pool = () => subject.database.pool;

async function insertAttempt(deliveryId: string | undefined, ended = true): Promise<void> {
  await pool().query(
    `with attempt as (
       insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, outcome)
       values ($1, 1, 'first', 'token', case when $2 then now() end, case when $2 then 'acknowledged' end)
     )
     update deliveries set attempt_count = 1 where id = $1`,
    [deliveryId, ended],
  );
}

async function countRows(table: string): Promise<number> {
  const { rows } = await pool().query<{ count: number }>(`select count(*) as count from ${table}`);
  return rows[0]?.count ?? 0;
}

describe('finished deliveries', () => {
  test('go with their attempts when they are old; how they ended is kept', async () => {
    const old = await stage.insertOld(31, 'delivered', 'failed', 'superseded', 'cancelled');
    const young = await stage.insertOld(29, 'delivered');
    for (const deliveryId of [old.deliveryIds[0], young.deliveryIds[0]]) await insertAttempt(deliveryId);
    await stage.sweep();
    expect(await readStates(pool(), old.orderId)).toEqual([]);
    expect(await stage.readPruned(old.orderId)).toEqual(['delivered', 'failed', 'superseded', 'cancelled']);
    expect(await readStates(pool(), young.orderId)).toEqual(['delivered']);
    expect(await stage.readPruned(young.orderId)).toEqual([]);
    expect(await countRows('delivery_attempts')).toBe(1);
    expect(await countRows('orders')).toBe(2);
    expect(await countRows('order_transitions')).toBe(5);
    expect(await stage.countRemoved('delivery')).toBe(4);
    expect(await stage.countRemoved('attempt')).toBe(1);
    expect(stage.logLines).toMatchObject([
      { level: 'info', msg: 'Retention removed what is over', delivery: 4, attempt: 1 },
    ]);
    expect(Object.keys(stage.logLines[0]!)).not.toContain('order');
  });

  test('are kept while anything of their lane is open', async () => {
    const open = await Promise.all([
      stage.insertOld(31, 'delivered', 'queued'),
      stage.insertOld(31, 'delivered', 'waiting', 'blocked'),
      stage.insertOld(31, 'failed', 'blocked'),
    ]);
    const before = await Promise.all(open.map(({ orderId }) => readDeliveries(pool(), orderId)));
    const strip = (lanes: typeof before) =>
      lanes.map((lane) => lane.map(({ dueInMs: _dueInMs, ...rest }) => rest));
    await stage.sweep();
    const after = await Promise.all(open.map(({ orderId }) => readDeliveries(pool(), orderId)));
    expect(strip(after)).toEqual(strip(before));
    expect(stage.logLines).toEqual([]);
  });

  test('of another endpoint of the same order do not wait for that', async () => {
    const { customerServerId, orderId } = await stage.insertOld(31, 'delivered', 'queued');
    const other = await insertEndpoint(pool(), { customerServerId });
    await pool().query(
      `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state, finished_at)
       select new_id(), customer_server_id, transition_id, order_id, order_version, $2, changed_at, 'delivered',
              now() - interval '31 days' from deliveries where order_id = $1`,
      [orderId, other.endpointId],
    );
    await stage.sweep();
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued']);
    expect(await stage.readPruned(orderId)).toEqual(['delivered', 'delivered']);
  });

  test('are kept while a replay counts them, or an attempt is open', async () => {
    const counted = await stage.insertOld(31, 'delivered');
    const replayId = await insertReplay(pool(), { ...counted, endpointIds: [counted.endpointId] });
    await pool().query('update deliveries set replay_id = $1, counts_for_replay = true where order_id = $2', [
      replayId,
      counted.orderId,
    ]);
    const attempted = await stage.insertOld(31, 'failed');
    await insertAttempt(attempted.deliveryIds[0], false);
    await stage.sweep();
    for (const { orderId } of [counted, attempted]) expect(await readStates(pool(), orderId)).toHaveLength(1);
    await pool().query('update deliveries set counts_for_replay = false');
    await pool().query(`update delivery_attempts set ended_at = now(), outcome = 'interrupted'`);
    await stage.sweep();
    expect(await countRows('deliveries')).toBe(0);
  });

  test('that somebody holds are passed by, and found by the next sweep', async () => {
    const [held, free] = [await stage.insertOld(32, 'delivered'), await stage.insertOld(31, 'delivered')];
    const holder = await pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select from deliveries where order_id = $1 for update', [held.orderId]);
      await stage.sweep();
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect(await readStates(pool(), held.orderId)).toEqual(['delivered']);
    expect(await readStates(pool(), free.orderId)).toEqual([]);
    await stage.sweep();
    expect(await readStates(pool(), held.orderId)).toEqual([]);
  });

  test('a batch that fails leaves all of it, and keeps nothing else from being removed', async () => {
    const { orderId, customerServerId } = await stage.insertOld(31, 'delivered');
    await pool().query(
      `insert into idempotency_keys (customer_server_id, key, body_hash, created_at)
       values ($1, 'key', 'hash', now() - interval '31 days')`,
      [customerServerId],
    );
    await pool().query('alter table pruned_deliveries add constraint test_none check (false) not valid');
    try {
      await stage.sweep();
    } finally {
      await pool().query('alter table pruned_deliveries drop constraint test_none');
    }
    expect(await readStates(pool(), orderId)).toEqual(['delivered']);
    expect(await countRows('idempotency_keys')).toBe(0);
    expect(stage.logLines).toMatchObject([
      { level: 'warn', kind: 'delivery' },
      { level: 'info', idempotency_key: 1 },
    ]);
    await stage.sweep();
    expect(await readStates(pool(), orderId)).toEqual([]);
  });
});

describe('many', () => {
  /** So many finished deliveries, a second apart from each other or all at once, each `everyNth` behind an open one. */
  async function insertMany(count: number, everyNth: number, apartMs: number): Promise<void> {
    const { customerServerId, endpointId } = await insertEndpoint(pool());
    const { orderId } = await insertOrder(pool(), { customerServerId, endpointId }, ['queued']);
    await pool().query(
      `with copied as (
         insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', lpad(to_hex(n), 24, '0')))).*
           from orders o, generate_series(1, $2::int) n where o.id = $1
         returning id
       ), changed as (
         insert into order_transitions (id, order_id, customer_server_id, version, to_status, actor_type, changed_at, body)
         select 'f' || right(id, 23), id, $3, 1, 'pending', 'customer_server', now(), '{}' from copied
         returning id, order_id
       ), numbered as (
         select *, ('x' || right(order_id, 8))::bit(32)::int as n from changed
       )
       insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state, finished_at)
       select 'e' || right(order_id, 23), $3, id, order_id, 1, $4, now(), 'delivered',
              date_trunc('milliseconds', now()) - interval '40 days' + n * $5 * interval '1 millisecond'
         from numbered`,
      [orderId, count, customerServerId, endpointId, apartMs],
    );
    // What keeps a lane: a second delivery in it that waits.
    await pool().query(
      `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status, actor_type, changed_at, body)
       select 'd' || right(order_id, 23), order_id, customer_server_id, 2, 'pending', 'assigned', 'admin', now(), '{}'
         from order_transitions where id like 'f%' and ('x' || right(order_id, 8))::bit(32)::int % $1 = 0`,
      [everyNth],
    );
    await pool().query(
      `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id, changed_at, state)
       select new_id(), customer_server_id, id, order_id, 2, $1, now(), 'waiting'
         from order_transitions where id like 'd%'`,
      [endpointId],
    );
  }

  test('are removed in batches, those that stay passed by once, with pauses between', async () => {
    await insertMany(1_700, 3, 1_000);
    const pauses = await stage.sweep();
    expect(await countRows('pruned_deliveries')).toBe(1_700 - Math.floor(1_700 / 3));
    // Three full batches and the rest, and one for each other kind but the last.
    expect(pauses).toHaveLength(4 + 2);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5);
    expect(stage.logLines).toHaveLength(1);
    await stage.sweep();
    expect(stage.logLines).toHaveLength(1);
  });

  test('that ended in the same millisecond are all found', async () => {
    await insertMany(1_200, 2_000, 0);
    await stage.sweep();
    expect(await countRows('pruned_deliveries')).toBe(1_200);
  });

  test('that ended in the same millisecond and stay do not keep a sweep from its end', async () => {
    await insertMany(600, 1, 0);
    const { orderId } = await stage.insertOld(31, 'delivered');
    await stage.sweep();
    expect(await countRows('pruned_deliveries')).toBe(1);
    expect(await stage.readPruned(orderId)).toEqual(['delivered']);
  });

  test('two sweeps at once remove each once', async () => {
    await insertMany(1_500, 2_000, 1);
    const other = createSweepStage(subject.database, { retentionDays: 30 });
    await Promise.all([stage.sweep(), other.sweep()]);
    await stage.sweep();
    expect(await countRows('pruned_deliveries')).toBe(1_500);
    const counts = await Promise.all([stage, other].map((each) => each.countRemoved('delivery')));
    expect(counts[0]! + counts[1]!).toBe(1_500);
  });

  test('a connection that dies in the middle of a batch leaves all of it', async () => {
    await insertMany(10, 2_000, 1);
    const client = await pool().connect();
    await client.query('begin');
    const batch = await pruneDeliveries(client, 30, new Date(0), 5);
    expect(batch).toMatchObject({ removed: { delivery: 5, attempt: 0 }, isLast: false });
    client.release(true);
    // Until the database has noticed, its rows are passed by.
    await expect
      .poll(async () => {
        await stage.sweep();
        return countRows('pruned_deliveries');
      })
      .toBe(10);
    expect(await stage.countRemoved('delivery')).toBe(10);
  });
});
