import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
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
  stage = createSweepStage(subject.database, { retentionDays: 30 });
});

const pool = () => subject.database.pool;

async function insertKey(customerServerId: string, days: number): Promise<void> {
  await pool().query(
    `insert into idempotency_keys (customer_server_id, key, body_hash, created_at)
     values ($1, $2, 'hash', now() - interval '1 day' * $3::float8)`,
    [customerServerId, String(days), days],
  );
}

async function readKeys(): Promise<string[]> {
  const { rows } = await pool().query<{ key: string }>('select key from idempotency_keys order by key');
  return rows.map(({ key }) => key);
}

describe('declines', () => {
  async function decline(orderId: string): Promise<void> {
    await pool().query(
      `with vendor as (insert into vendors (id) values (new_id()) returning id)
       insert into offer_declines (order_id, vendor_id) select $1, id from vendor`,
      [orderId],
    );
  }

  test('go when they are old and their order is over', async () => {
    const endpoint = await insertEndpoint(pool());
    async function insertDeclined(days: number, isOver: boolean): Promise<string> {
      const { orderId } = await insertOrder(pool(), endpoint, []);
      await decline(orderId);
      if (isOver) await stage.complete(orderId);
      await stage.age(orderId, days);
      return orderId;
    }
    const kept = [await insertDeclined(31, false), await insertDeclined(29, true)];
    await insertDeclined(31, true);
    await stage.sweep();
    const { rows } = await pool().query<{ orderId: string }>(
      'select order_id as "orderId" from offer_declines order by order_id',
    );
    expect(rows.map(({ orderId }) => orderId)).toEqual(kept.toSorted());
    expect(await stage.countRemoved('offer_decline')).toBe(1);
  });
});

describe('replays', () => {
  test('go when they were completed long ago and none of their deliveries is left', async () => {
    const { orderId, ...endpoint } = await stage.insertOld(31, 'delivered', 'queued');
    const add = async (state: string, days: number) => {
      const id = await insertReplay(pool(), { ...endpoint, endpointIds: [endpoint.endpointId] });
      await pool().query(
        `update replays set state = $2, finished_at = case $2 when 'completed' then now() - interval '1 day' * $3::int end
          where id = $1`,
        [id, state, days],
      );
      return id;
    };
    const withDelivery = await add('completed', 31);
    const kept = [
      withDelivery,
      await add('completed', 29),
      await add('running', 0),
      await add('reopened', 0),
    ];
    await add('completed', 31);
    await pool().query(`update deliveries set replay_id = $1 where order_id = $2 and state = 'delivered'`, [
      withDelivery,
      orderId,
    ]);
    await stage.sweep();
    const read = async () =>
      (await pool().query<{ id: string }>('select id from replays order by id')).rows.map(({ id }) => id);
    expect(await read()).toEqual(kept.toSorted());
    const { rowCount } = await pool().query('select from replay_endpoints');
    expect(rowCount).toBe(4);
    // Its delivery goes first, and it goes in the same sweep.
    await pool().query(
      `update deliveries set state = 'delivered', finished_at = now(), job_due_at = null where state = 'queued'`,
    );
    await stage.sweep();
    expect(await read()).toEqual(kept.slice(1).toSorted());
  });
});

describe('idempotency keys', () => {
  test.each([
    [{ retentionDays: 30 }, ['1', '1.02', '29', '30', '30.02'], ['31', '400']],
    // A day is promised.
    [{ retentionDays: 1 }, ['0.5', '1', '1.02'], ['1.1', '31']],
    [{ retentionDays: 30, retentionOrdersDays: 7 }, ['6', '7', '7.02'], ['7.1', '29']],
    [{ retentionDays: 30, retentionOrdersDays: 90 }, ['30', '30.02'], ['31', '90']],
  ])('with %j', async (settings, kept, removed) => {
    const { customerServerId } = await insertEndpoint(pool());
    for (const days of [...kept, ...removed]) await insertKey(customerServerId, Number(days));
    stage = createSweepStage(subject.database, settings);
    await stage.sweep();
    expect(await readKeys()).toEqual(kept.toSorted());
    expect(await stage.countRemoved('idempotency_key')).toBe(removed.length);
  });
});
