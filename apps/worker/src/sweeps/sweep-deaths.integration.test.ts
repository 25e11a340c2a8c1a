/**
 * A worker that dies in the midst of a sweep, between any two statements: an order is whole or gone, a delivery is there
 * or noted as pruned, and the next sweep removes the rest.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createSweepStage } from '../testing/sweep-stage.ts';

const RETENTION = { retentionDays: 30, retentionOrdersDays: 90 };

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

/** One order whose deliveries may go, and one of which everything may, noted by its endpoint and with a key of its time. */
async function insertAged(): Promise<void> {
  await emptyDatabase(pool());
  const stage = createSweepStage(subject.database, RETENTION);
  const endpoint = await insertEndpoint(pool());
  for (const days of [40, 100]) {
    const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['delivered', 'failed']);
    await pool().query(
      `with attempt as (
         insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, outcome)
         select id, 1, 'first', 'token', now(), 'acknowledged' from unnest($1::char(24)[]) delivery (id)
       ), noted as (
         update webhook_endpoints set failing_order_ids = failing_order_ids || $2::text
       ), keyed as (
         insert into idempotency_keys (customer_server_id, key, body_hash, created_at)
         values ($3, $2::text, 'hash', now() - interval '1 day' * $4::float8)
       )
       update deliveries set attempt_count = 1 where id = any ($1::char(24)[])`,
      [deliveryIds, orderId, endpoint.customerServerId, days + 1],
    );
    await stage.complete(orderId);
    await stage.age(orderId, days);
  }
  await assignFeedPositions(subject.database);
}

/** What it had begun is undone when this resolves. */
async function endSession(pid: number | undefined): Promise<void> {
  await pool().query('select pg_terminate_backend($1)', [pid]);
  await vi.waitFor(
    async () => {
      const { rowCount } = await pool().query('select 1 from pg_stat_activity where pid = $1', [pid]);
      expect(rowCount).toBe(0);
    },
    { interval: 5 },
  );
}

/**
 * The database as a process sees it that dies before its statement `survived + 1`: its connection ends, and it sends
 * nothing any more.
 */
function createDying(survived: number): { readonly database: Pick<Database, 'pool'>; hasDied(): boolean } {
  let sent = 0;
  async function beforeStatement(end: () => Promise<void>): Promise<void> {
    sent += 1;
    if (sent <= survived) return;
    await end();
    throw new Error('died');
  }
  const dying = {
    async query(...statement: Parameters<pg.Pool['query']>) {
      await beforeStatement(async () => undefined);
      return pool().query(...statement);
    },
    async connect() {
      const client = await pool().connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const end = () => endSession(rows[0]?.pid);
      return {
        async query(...statement: Parameters<pg.PoolClient['query']>) {
          await beforeStatement(end);
          return client.query(...statement);
        },
        release: (broken?: boolean) => client.release(broken === true || sent > survived),
      };
    },
  };
  return { database: { pool: dying as unknown as pg.Pool }, hasDied: () => sent > survived };
}

interface Left {
  readonly transitions: number;
  readonly placed: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly pruned: number;
}

/** What is left of each order that is there, and of those that are not. */
async function readLeft(): Promise<{
  readonly kept: Left[];
  readonly ofGone: Left;
  readonly prunedThrough: number;
}> {
  const counts = (isOf: (column: string) => string) => `
    (select count(*)::int from order_transitions t where ${isOf('t.order_id')}) as transitions,
    (select count(feed_position)::int from order_transitions t where ${isOf('t.order_id')}) as placed,
    (select count(*)::int from deliveries d where ${isOf('d.order_id')}) as deliveries,
    (select count(*)::int from delivery_attempts a join deliveries d on d.id = a.delivery_id
      where ${isOf('d.order_id')}) as attempts,
    (select count(*)::int from pruned_deliveries p join order_transitions t on t.id = p.transition_id
      where ${isOf('t.order_id')}) as pruned`;
  const kept = await pool().query<Left>(`select ${counts((column) => `${column} = o.id`)} from orders o`);
  const ofGone = await pool().query<Left>(
    `select ${counts((column) => `not exists (select 1 from orders o where o.id = ${column})`)}`,
  );
  const { rows } = await pool().query<{ through: number }>(
    'select feed_pruned_through as through from customer_servers',
  );
  return { kept: kept.rows, ofGone: ofGone.rows[0]!, prunedThrough: rows[0]?.through ?? -1 };
}

const NOTHING: Left = { transitions: 0, placed: 0, deliveries: 0, attempts: 0, pruned: 0 };
const sweepAll = (database: Pick<Database, 'pool'>) => createSweepStage(database, RETENTION).sweep();

test('wherever it dies', { timeout: 40_000 }, async () => {
  let deaths = 0;
  const seen = new Set<string>();
  for (;;) {
    await insertAged();
    const dying = createDying(deaths);
    await sweepAll(dying.database);
    const { kept, ofGone, prunedThrough } = await readLeft();
    for (const { transitions, placed, deliveries, attempts, pruned } of kept) {
      expect({ transitions, placed, told: deliveries + pruned }).toEqual({
        transitions: 2,
        placed: 2,
        told: 2,
      });
      expect(attempts).toBe(deliveries);
    }
    expect(ofGone).toEqual(NOTHING);
    expect(prunedThrough > 0).toBe(kept.length === 1);
    seen.add(JSON.stringify(kept));
    if (!dying.hasDied()) break;
    deaths += 1;

    await sweepAll(subject.database);
    const after = await readLeft();
    expect(after).toMatchObject({ kept: [{ deliveries: 0, pruned: 2 }], ofGone: NOTHING });
    expect(after.prunedThrough).toBeGreaterThan(0);
  }
  // It has died before anything was gone, after the deliveries, and after everything.
  expect(seen.size).toBe(3);
  expect(deaths).toBeGreaterThan(15);
});
