/** What is over costs what is under way nothing, however much of it is kept. */
import { explain, explainKeptPlan, type Plan } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimDeliveries } from '../deliveries/claim-sql.ts';
import { settleRefusals } from '../deliveries/refusal-sql.ts';
import { endExpiredClaims } from './relay-sql.ts';

const FINISHED = 200_000;
const HISTORY = 10_000;
const CLAIMED = 300;
const EXPIRED = 100;
/** Longer than these tests take. */
const TIMEOUT_MS = 3_600_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
const pool = () => subject.database.pool;

beforeAll(async () => {
  subject = await createTestDatabase();
  for (const table of ['deliveries', 'delivery_attempts', 'order_transitions']) {
    await pool().query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  const nothing = { delivered: 0, waiting: 0, blocked: 0, queued: 0 };
  await withoutIndexes(async () => {
    // In parts: the time of a statement is limited.
    for (let part = 0; part < 8; part += 1) {
      await insertBacklog(pool(), { ...nothing, endpoints: 3, delivered: FINISHED / 8 });
    }
  });
  await insertHistory('delivered');
  // Statistics of a quiet time: nothing was claimed.
  await pool().query('vacuum analyze deliveries, delivery_attempts, order_transitions');
  await insertBacklog(pool(), { ...nothing, endpoints: 20, queued: CLAIMED });
  await insertHistory('queued');
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

/** Builds the indexes of deliveries anew afterwards: in a tenth of the time that it takes row by row. */
async function withoutIndexes(fill: () => Promise<unknown>): Promise<void> {
  const { rows: indexes } = await pool().query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
      where tablename = 'deliveries' and indexname <> 'deliveries_pkey'`,
  );
  for (const { name } of indexes) await pool().query(`drop index ${name}`);
  await fill();
  for (const { definition } of indexes) await pool().query(definition);
}

/** A change and an attempt of some that are so: a claim's end joins both by their keys. */
async function insertHistory(state: string): Promise<void> {
  const client = await pool().connect();
  try {
    // No foreign keys: the backlog has no orders.
    await client.query(`set session_replication_role = 'replica'`);
    await client.query(
      `insert into order_transitions (id, order_id, customer_server_id, version, to_status, actor_type, changed_at, body)
       select transition_id, order_id, customer_server_id, 1, 'pending', 'customer_server', changed_at, '{}'
         from deliveries where state = $1 limit $2`,
      [state, HISTORY],
    );
    await client.query(
      `insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token)
       select id, 1, 'first', 'token' from deliveries where state = $1 limit $2`,
      [state, HISTORY],
    );
  } finally {
    await client.query(`set session_replication_role = 'origin'`);
    client.release();
  }
}

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

/** What of these tables is read other than by an index, or more of than `most` rows. */
function findLongReads({ nodes }: Plan, most: number): Plan['nodes'] {
  const isRead = (type: string) => !['ModifyTable', 'CTE Scan'].includes(type);
  const reads = nodes.filter(
    ({ table, type }) => table !== null && table !== 'webhook_endpoints' && isRead(type),
  );
  expect(reads.length).toBeGreaterThan(0);
  return reads.filter(({ type, rows }) => type === 'Seq Scan' || rows > most);
}

describe.each(['select 1', 'analyze deliveries, delivery_attempts, order_transitions'])(
  'after %s',
  (prepare) => {
    test('claims that ran out are ended', async () => {
      await pool().query(prepare);
      const plan = await explain(pool(), (executor) => endExpiredClaims(executor, EXPIRED / 2));
      expect(findLongReads(plan, EXPIRED)).toEqual([]);
    });

    test('many are claimed at once, or refused', async () => {
      await pool().query(prepare);
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
            where state = 'queued' and claim_token is null and generation = 1`,
        );
        expect(rows).toEqual([{ left: 0 }]);
      }
    });

    test('what a removed replay lets go of is found', async () => {
      await pool().query(prepare);
      // As the foreign key says it.
      const plan = await explain(pool(), (executor) =>
        executor.query({
          text: 'update only deliveries set replay_id = null where $1::char(24) = replay_id',
          values: ['a'],
        }),
      );
      expect(findLongReads(plan, 0)).toEqual([]);
    });
  },
);

test('both looks found some that had run out', async () => {
  const { rows } = await pool().query(`select count(*) from deliveries where last_outcome = 'interrupted'`);
  expect(rows).toEqual([{ count: EXPIRED }]);
});
