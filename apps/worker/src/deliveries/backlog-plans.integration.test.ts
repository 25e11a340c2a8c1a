/**
 * What is sent, recorded or moved is found by an index however much waits: with statistics of a quiet time, which say
 * that nothing does, and with fresh ones.
 */
import {
  cancelForDeletedEndpoint,
  findMovable,
  type Look,
  lockFreeEndpoints,
  moveDueHeads,
  moveLanesNext,
} from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import { explain, explainKeptPlan } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findOverdueEndpoints, giveUpOverdue, lockLongClosed } from '../holds/hold-sql.ts';
import { findProbeDue, startProbes } from '../relay/probe-sql.ts';
import { findStandingLanes } from '../relay/relay-sql.ts';
import { answered } from '../testing/attempt-results.ts';
import { DELIVERED, RETRY } from '../testing/record-stage.ts';
import { claimDeliveries, claimDelivery } from './claim-sql.ts';
import { type AttemptRecord, recordAttempt, recordAttempts } from './record-sql.ts';
import { settleRefusal, settleRefusals } from './refusal-sql.ts';
import { releaseClaim } from './release-claim-sql.ts';

/** Several times what any statement may take at once: where both are alike, reading all of it is a fair choice. */
const OPEN_FOR_EACH_ENDPOINT = 5_000;
const ENDPOINTS = 3;
/** So many of each of so many further endpoints are claimed: as many workers have on their way. */
const CLAIMED = { endpoints: 20, ofEach: 50 } as const;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
  const { pool } = subject.database;
  await pool.query('alter table deliveries set (autovacuum_enabled = false)');
  const nothing = { waiting: 0, blocked: 0, queued: 0 };
  await insertBacklog(pool, { endpoints: 2, delivered: 20_000, ...nothing });
  await pool.query('vacuum analyze deliveries');
  await insertBacklog(pool, {
    endpoints: ENDPOINTS,
    delivered: 0,
    waiting: ENDPOINTS * OPEN_FOR_EACH_ENDPOINT,
    blocked: ENDPOINTS * OPEN_FOR_EACH_ENDPOINT,
    queued: 300,
  });
  await pool.query(`update webhook_endpoints set "window" = 64`);
  const { endpoints, ofEach } = CLAIMED;
  await insertBacklog(pool, { endpoints, delivered: 0, ...nothing, queued: endpoints * ofEach });
  await pool.query(
    `update deliveries set claim_token = id, claimed_until = now() + interval '1 hour', attempt_count = 1
      where endpoint_id in (select endpoint_id from deliveries where state = 'queued'
                             group by 1 having count(*) = $1)`,
    [ofEach],
  );
}, 60_000);
afterAll(() => subject.drop());

/** One row of each kind, another one at each call. */
let taken = 0;
async function take(condition: string) {
  taken += 1;
  const { rows } = await subject.database.pool.query<{
    deliveryId: string;
    endpointId: string;
    orderId: string;
  }>(
    `select id as "deliveryId", endpoint_id as "endpointId", order_id as "orderId" from deliveries
      where ${condition} order by id offset $1 limit 1`,
    [taken],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is nothing that is ${condition}`);
  return row;
}

/** Lanes of all endpoints, blocked ones and heads. */
async function takeLooks(lanes: number): Promise<Look[]> {
  const { rows } = await subject.database.pool.query<Look>(
    `select endpoint_id as "endpointId", array_agg(order_id::text) as "orderIds"
       from (select endpoint_id, order_id from deliveries where state <> 'delivered'
              order by md5(id) limit $1) lane
      group by 1`,
    [lanes],
  );
  return rows;
}

const claimedKey = async () => {
  const { deliveryId } = await take('claim_token is not null');
  return { deliveryId, attemptNumber: 1, token: deliveryId };
};
const unclaimed = async () => ({
  deliveryId: (await take(`state = 'queued' and claim_token is null`)).deliveryId,
  generation: 1,
});

describe.each(['select 1', 'analyze deliveries'])('after %s', (prepare) => {
  beforeEach(() => subject.database.pool.query(prepare));

  test('a claim', async () => {
    const job = await unclaimed();
    await expectFewRows((executor) => claimDelivery(executor, job, `token ${job.deliveryId}`, 1_000), 10);
  });

  test('a refused claim', async () => {
    const { deliveryId } = await claimedKey();
    await expectFewRows((executor) => settleRefusal(executor, { deliveryId, generation: 1 }), 10);
  });

  test.each([1, 16, 128])('%i claims, and as many refused ones', async (count) => {
    const { rows } = await subject.database.pool.query<{ deliveryId: string }>(
      `select id as "deliveryId" from deliveries where state = 'queued' and claim_token is null order by id limit $1`,
      [count],
    );
    const jobs = rows.map(({ deliveryId }) => ({ deliveryId, generation: 1, token: `token ${deliveryId}` }));
    expect(jobs).toHaveLength(count);
    const statements: Parameters<typeof explain>[1][] = [
      (executor) => settleRefusals(executor, jobs),
      (executor) => claimDeliveries(executor, jobs, 1_000),
    ];
    for (const run of statements) {
      const kept = await explainKeptPlan(subject.database.pool, run);
      for (const read of kept.nodes.filter(({ table, type }) => table !== null && type !== 'ModifyTable')) {
        // By its key, each of what is asked for, and each of the three tables that hold more than a few rows.
        if (read.table !== 'webhook_endpoints' && read.table !== 'customer_servers')
          expect(read.index, JSON.stringify(read)).toMatch(/_pkey$/);
        expect(read.rows, JSON.stringify(read)).toBeLessThanOrEqual(count);
      }
      await subject.database.pool.query(
        `with released as (update deliveries set claim_token = null, claimed_until = null, attempt_count = 0
                            where claim_token like 'token %')
         delete from delivery_attempts where claim_token like 'token %'`,
      );
      await expectFewRows(run, count);
    }
  });

  test('statements over lists are planned a few times, and then no more', async () => {
    const client = await subject.database.pool.connect();
    try {
      const job = { deliveryId: 'none', generation: 1, token: 'none' };
      const key = { deliveryId: 'none', attemptNumber: 1, token: 'none' };
      const looks = [{ endpointId: 'none', orderIds: ['none'] }];
      for (let n = 0; n < 8; n += 1) {
        await claimDeliveries(client, [job], 1_000);
        await settleRefusals(client, [job]);
        await recordAttempts(client, [{ key, result: answered(200), step: { kind: 'delivered' } }]);
        await findMovable(client, looks);
        await lockFreeEndpoints(client, ['0']);
        await moveLanesNext(client, looks);
        await moveDueHeads(client, ['none']);
      }
      const { rows } = await client.query<{ name: string; planned: number }>(
        `select name, custom_plans::int as planned from pg_prepared_statements
          where generic_plans > 0 order by 1`,
      );
      expect(rows).toEqual(
        [
          'claim-deliveries',
          'find-movable',
          'lock-free-endpoints',
          'move-due-heads',
          'move-lanes-next',
          'record-attempts',
          'settle-refusals',
        ].map((name) => ({ name, planned: 5 })),
      );
    } finally {
      client.release(true);
    }
  });

  test('a record', async () => {
    const key = await claimedKey();
    await expectFewRows((executor) => recordAttempt(executor, key, answered(200), DELIVERED), 10);
  });

  test('a record of what is sent again', async () => {
    const key = await claimedKey();
    await expectFewRows((executor) => recordAttempt(executor, key, answered(503), RETRY), CLAIMED.ofEach);
  });

  test('records of several at once', async () => {
    for (const count of [1, 16, 128]) {
      const { rows } = await subject.database.pool.query<{ id: string }>(
        'select id from deliveries where claim_token is not null order by id desc limit $1',
        [count],
      );
      const records = rows.map(({ id }, index): AttemptRecord => {
        const key = { deliveryId: id, attemptNumber: 1, token: id };
        return { key, result: answered(200), step: index % 2 === 0 ? DELIVERED : RETRY };
      });
      expect(records).toHaveLength(count);
      // How many its endpoint has in the queue: for each that stays, and for each endpoint of one that goes.
      const counts = Math.max(Math.floor(count / 2), Math.min(count, CLAIMED.endpoints));
      await expectFewRows((executor) => recordAttempts(executor, records), counts * CLAIMED.ofEach);
    }
  });

  test('a claim that is given back', async () => {
    const key = await claimedKey();
    await expectFewRows((executor) => releaseClaim(executor, key, 'own_fault', 1_000), 10);
  });

  test('the look whether anything can move', async () => {
    const { endpointId, orderId } = await take(`state = 'blocked'`);
    await expectFewRows((executor) => findMovable(executor, [{ endpointId, orderIds: [orderId] }]), 64);
  });

  test("an endpoint's due heads", async () => {
    const { endpointId } = await take(`state = 'waiting'`);
    await expectFewRows((executor) => moveDueHeads(executor, [endpointId]), 200);
  });

  test("a lane's next", async () => {
    const { endpointId, orderId } = await take(`state = 'blocked'`);
    await expectFewRows((executor) => moveLanesNext(executor, [{ endpointId, orderIds: [orderId] }]), 10);
  });

  test.each([16, 128])('the same at many endpoints, for %i lanes', async (count) => {
    const looks = await takeLooks(count);
    const most = 64 * looks.length + count;
    await expectFewRows((executor) => findMovable(executor, looks), most);
    await expectFewRows((executor) => moveLanesNext(executor, looks), count);
    const endpointIds = looks.map(({ endpointId }) => endpointId);
    // Each has a hundred in the queue, and room for none.
    await expectFewRows((executor) => moveDueHeads(executor, endpointIds), most + 100 * ENDPOINTS);
  });

  test('the blocked lanes that the relay looks at', async () => {
    const start = { endpointId: '', orderId: '' };
    await expectFewRows((executor) => findStandingLanes(executor, start, 500), 500);
  });

  describe('while they are broken', () => {
    beforeEach(() => setWindow(0));
    afterEach(() => setWindow(64));
    const setWindow = (window: number) =>
      subject.database.pool.query(
        `update webhook_endpoints set "window" = $1, broken_since = now() - interval '1 hour',
                                      next_probe_at = now() - interval '1 hour'`,
        [window],
      );

    test('endpoints that are to be probed', async () => {
      // Of the queued ones of each endpoint, of which it has about a window, whether one is a probe.
      await expectFewRows((executor) => findProbeDue(executor, null, 1_000), 1_300);
    });

    test("a broken endpoint's probe, the oldest and the one after another", async () => {
      const { endpointId, deliveryId } = await take(`state = 'waiting'`);
      await expectFewRows((executor) => startProbes(executor, [endpointId]), 150);
      await subject.database.pool.query(
        `update deliveries set state = 'waiting', job_due_at = null, is_probe = false where is_probe`,
      );
      await subject.database.pool.query(
        `update webhook_endpoints e set next_probe_at = now(), probed_due_at = d.due_at, probed_id = d.id
           from deliveries d where d.id = $1 and e.id = d.endpoint_id`,
        [deliveryId],
      );
      await expectFewRows((executor) => startProbes(executor, [endpointId]), 150);
    });

    test('what a closed endpoint has in the queue', async () => {
      const { endpointId } = await take(`state = 'queued' and claim_token is null`);
      // A hundred of its own, and maybe the probe of another test.
      await expectFewRows((executor) => putBackUnclaimed(executor, endpointId), 110);
    });

    test('endpoints that hold something for too long', async () => {
      await expectFewRows((executor) => findOverdueEndpoints(executor, '', 1_000, 100), 30);
    });

    test('what an endpoint has held for too long', async () => {
      const { endpointId } = await take(`state = 'waiting'`);
      expect(await lockLongClosed(subject.database.pool, endpointId, 1_000)).toBe(true);
      await expectFewRows((executor) => giveUpOverdue(executor, endpointId, 1_000, 200), 200);
    });
  });

  test('what is left of a deleted endpoint', async () => {
    const { endpointId } = await take(`state = 'waiting'`);
    await subject.database.pool.query('update webhook_endpoints set deleted_at = now() where id = $1', [
      endpointId,
    ]);
    await expectFewRows((executor) => cancelForDeletedEndpoint(executor, endpointId), 1_000);
  });
});

/** @param most rows that any part of the plan may read of the deliveries */
async function expectFewRows(run: Parameters<typeof explain>[1], most: number): Promise<void> {
  const { nodes } = await explain(subject.database.pool, run);
  const reads = nodes.filter(({ table, type }) => table === 'deliveries' && type !== 'ModifyTable');
  expect(reads.length).toBeGreaterThan(0);
  for (const read of reads) expect(read.rows, JSON.stringify(read)).toBeLessThanOrEqual(most);
}
