/** A transaction that was forgotten with rows of one endpoint in its hands: every other endpoint is served as before. */
import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import { createWatchedExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import { lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import {
  emptyDatabase,
  insertOrder,
  readAttempts,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { endExpiredClaims } from '../relay/relay-sql.ts';
import { answered } from '../testing/attempt-results.ts';
import { type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import { createRecordStage, DELIVERED } from '../testing/record-stage.ts';
import { endCooldown, expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { createClaims } from './create-claims.ts';
import { createRecorder } from './record-attempt.ts';
import { adoptSharedSecret } from './shared-secret-sql.ts';

/** As many connections as a worker has. */
const MAX_CONNECTIONS = 16;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
/** As a worker opens it; what the test does besides has a pool of its own. */
let database: Database;
let stage: AttemptStage;
let holder: pg.PoolClient;

beforeAll(async () => {
  subject = await createTestDatabase();
  database = createDatabase({
    url: subject.url,
    applicationName: 'subject',
    maxConnections: MAX_CONNECTIONS,
    walksIndexes: true,
  });
});
afterAll(async () => {
  await database.close();
  await subject.drop();
});
beforeEach(async () => {
  await emptyDatabase(pool());
  stage = createAttemptStage(database);
  holder = await pool().connect();
  await holder.query('begin');
});
afterEach(() => holder.release(true));

const pool = () => subject.database.pool;

/** So many orders of one endpoint, each with a job as of generation 1. */
async function insertQueued(count: number, options: Parameters<AttemptStage['insertEndpoint']>[0] = {}) {
  const endpoint = await stage.insertEndpoint(options);
  const orders = [];
  for (let n = 0; n < count; n += 1) orders.push(await insertOrder(pool(), endpoint, ['queued', 'blocked']));
  const jobs = orders.map(({ deliveryIds }) => ({ deliveryId: deliveryIds[0] ?? '', generation: 1 }));
  return { ...endpoint, orders, jobs };
}

async function forgetDeliveries(endpointId: string): Promise<void> {
  await holder.query('select 1 from deliveries where endpoint_id = $1 order by id for update', [endpointId]);
}

async function countWaiting(): Promise<number> {
  const { rows } = await pool().query<{ waiting: number }>(
    `select count(*)::int as waiting from pg_stat_activity
      where application_name = 'subject' and wait_event_type = 'Lock'`,
  );
  return rows[0]?.waiting ?? 0;
}

/** A secret besides `new`, which outbound requests still carry. */
async function beginRotation({ customerServerId }: { customerServerId: string }): Promise<void> {
  await pool().query(
    `update customer_servers
        set secret_hash = 'new', previous_secret_hash = 'old', previous_secret_ciphertext = secret_ciphertext,
            secret_overlap_until = now() + interval '1 hour', outbound_secret = 'previous'
      where id = $1`,
    [customerServerId],
  );
}

/** An attempt that fails and one that does not, each with everything that comes after it. */
async function expectServed(): Promise<void> {
  const { jobs } = await insertQueued(2);
  const [failing, working] = jobs;
  stage.answer(answered(503));
  if (failing === undefined || working === undefined) throw new Error('there are no jobs');
  expect(await attemptDelivery(stage.deps, failing)).toMatchObject({ kind: 'retry' });
  expect(await attemptDelivery(stage.deps, working)).toMatchObject({ kind: 'done' });
}

test('claims, records, reports and looks that wait keep a few connections', async () => {
  const stuck = await insertQueued(80);
  const answers = Promise.withResolvers<void>();
  const ends = stuck.jobs.slice(0, 40).map((job) => {
    stage.answer(async () => {
      await answers.promise;
      return answered(503);
    });
    return attemptDelivery(stage.deps, job);
  });
  await expect.poll(() => stage.sent.length).toBe(40);
  await lockEndpoint(holder, stuck.endpointId);
  await holder.query('select 1 from webhook_endpoints where id = $1 for no key update', [stuck.endpointId]);
  await forgetDeliveries(stuck.endpointId);

  answers.resolve();
  const [, ...putOff] = stuck.jobs.slice(40).map((job) => attemptDelivery(stage.deps, job));
  void stage.deps.dispatcher.dispatch({ jobs: [], lanes: [{ ...stuck, orderId: null }] });
  await expect.poll(countWaiting).toBeGreaterThan(0);
  await expectServed();
  expect(await countWaiting()).toBeLessThanOrEqual(MAX_CONNECTIONS / 2);
  // Most claims do not stand in line.
  expect(await Promise.any(putOff)).toEqual({ kind: 'not_yet', retryInMs: 1_000 });

  await holder.query('rollback');
  const kinds = (await Promise.all(ends)).map(({ kind }) => kind);
  // The queue holds more of them than the endpoint's window: nothing has room for its retry.
  expect(new Set(kinds)).toEqual(new Set(['done']));
  await Promise.all(putOff);
  const attempted = stuck.orders
    .slice(0, 40)
    .map(({ deliveryIds }) => readAttempts(pool(), deliveryIds[0] ?? ''));
  for (const attempts of await Promise.all(attempted))
    expect(attempts).toMatchObject([{ outcome: 'rejected' }]);
  await stage.deps.dispatcher.drain();
});

test('late answers, claims that are given back and secrets that were accepted keep none', async () => {
  const { orders, jobs, ...endpoint } = await insertQueued(20);
  const ids = orders.map(({ orderId }) => orderId);
  const keys = jobs.map((job) => ({ ...job, attemptNumber: 1, token: `token ${job.deliveryId}` }));
  await Promise.all(keys.map((key) => stage.deps.claims.claim(key)));
  const [lost, unsent] = [keys.slice(0, 10), keys.slice(10)];
  for (const { deliveryId } of lost) await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), lost);
  await beginRotation(endpoint);
  await holder.query('select 1 from orders where id = any ($1) order by id for update', [ids]);
  await forgetDeliveries(endpoint.endpointId);
  await holder.query('select 1 from customer_servers for no key update');

  const recording = createRecordStage(database.pool);
  const { executor, count } = recording.createExecutor();
  const recorder = recording.createRecorder(executor);
  const ends = [
    ...lost.map((key) => recorder.recordUntilKnown(key, answered(200), DELIVERED)),
    ...unsent.map((key) => recorder.release(key, 'own_fault', 1_000)),
  ];
  const adopt = () => adoptSharedSecret(database.pool, endpoint.customerServerId, 'new');
  expect(await adopt()).toBe(null);
  await expect.poll(() => count('add-late-answer')).toBeGreaterThanOrEqual(lost.length);
  await expect.poll(() => count('release-claim')).toBeGreaterThanOrEqual(unsent.length);
  expect(await countWaiting()).toBe(0);
  await expectServed();

  await holder.query('rollback');
  expect(new Set(await Promise.all(ends))).toEqual(new Set(['lost', undefined]));
  expect(await adopt()).toBe('current');
  for (const { deliveryId } of lost) {
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ responseExcerpt: 'status 200' }]);
  }
  const given = orders.slice(10);
  for (const { orderId } of given) expect(await readStates(pool(), orderId)).toEqual(['waiting', 'blocked']);
});

test('how long they wait says nothing of the database', async () => {
  const { endpointId, jobs } = await insertQueued(3);
  const [sent, unclaimed, closed] = jobs;
  if (sent === undefined || unclaimed === undefined || closed === undefined)
    throw new Error('there are no jobs');
  let now = 0;
  const executor = createWatchedExecutor(database.pool, () => now);
  const claims = createClaims(executor, 10_000);
  const recorder = createRecorder({ ...stage.deps, executor });
  await claims.claim({ ...sent, token: 'sent' });
  await forgetDeliveries(endpointId);

  const waiting: Promise<unknown>[] = [
    recorder.recordUntilKnown({ ...sent, attemptNumber: 1, token: 'sent' }, answered(200), {
      kind: 'delivered',
    }),
    claims.claim({ ...unclaimed, token: 'late' }),
  ];
  await expect.poll(countWaiting).toBe(2);
  await pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [endpointId]);
  waiting.push(claims.settleRefusal(closed));
  await expect.poll(countWaiting).toBe(3);
  now = 1_500;
  expect(executor.isCalmFor(0)).toBe(true);
  await holder.query('rollback');
  await Promise.all(waiting);
});

test('the relay repairs what nobody holds: lost claims, lost jobs and broken endpoints', async () => {
  const insertLost = async () => {
    const { endpointId, orders, jobs } = await insertQueued(2);
    const [claimed, late] = jobs.map(({ deliveryId }) => deliveryId);
    if (claimed === undefined || late === undefined) throw new Error('there are no jobs');
    await stage.deps.claims.claim({ deliveryId: claimed, generation: 1, token: 'dead' });
    await expireClaim(pool(), claimed);
    await makeDueEarlier(pool(), late, 60_000);
    return { endpointId, orders };
  };
  const insertBroken = async () => {
    const broken = await stage.insertEndpoint({ window: 0 });
    const order = await insertOrder(pool(), broken, ['waiting']);
    await endCooldown(pool(), broken.endpointId);
    return { ...broken, order };
  };
  const [held, heldBroken] = [await insertLost(), await insertBroken()];
  const [free, freeBroken] = [await insertLost(), await insertBroken()];
  await forgetDeliveries(held.endpointId);
  await forgetDeliveries(heldBroken.endpointId);

  expect(await stage.relayTick()).toMatchObject({ endedClaims: 1, remadeJobs: 1, probes: 1 });
  expect(await readStates(pool(), freeBroken.order.orderId)).toEqual(['queued']);
  const jobIds = stage.queue.ids();
  for (const { deliveryIds } of free.orders) expect(jobIds).toContain(`${deliveryIds[0]}-2`);

  await holder.query('rollback');
  expect(await stage.relayTick()).toMatchObject({ endedClaims: 1, remadeJobs: 1, probes: 1 });
});
