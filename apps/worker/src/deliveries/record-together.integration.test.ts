/** Attempts that are recorded together: each as if it were alone, whatever becomes of the others. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { readAttempts, readDeliveries } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { explain } from '@vendor-server/platform/testing/explain.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endExpiredClaims } from '../relay/relay-sql.ts';
import { answered } from '../testing/attempt-results.ts';
import {
  type ClaimedAttempt,
  createRecordStage,
  DELIVERED,
  RETRY,
  type RecordStage,
} from '../testing/record-stage.ts';
import { expireClaim } from '../testing/shift-time-sql.ts';
import { claimDelivery } from './claim-sql.ts';
import { type AttemptRecord, type RecordedStep, recordAttempt, recordAttempts } from './record-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: RecordStage;

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createRecordStage(subject.database.pool);
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

/** What has happened to an attempt's delivery by the time of its answer. */
type Meanwhile = 'nothing' | 'a newer change' | 'a close' | 'a pause' | 'the end of its lease' | 'a probe';

async function insertClaimed(meanwhile: Meanwhile): Promise<ClaimedAttempt> {
  const states = meanwhile === 'a newer change' ? (['queued', 'blocked'] as const) : (['queued'] as const);
  const claimed = await stage.insertClaimed([...states], { mode: 'latest_only' });
  const { endpointId, deliveryId, key } = claimed;
  const set = {
    'a close': `"window" = 0, next_probe_at = now()`,
    'a pause': `state = 'paused'`,
  } as const;
  if (meanwhile === 'a close' || meanwhile === 'a pause') {
    await pool().query(`update webhook_endpoints set ${set[meanwhile]} where id = $1`, [endpointId]);
  }
  if (meanwhile === 'a probe') {
    await pool().query('update deliveries set is_probe = true where id = $1', [deliveryId]);
  }
  if (meanwhile === 'the end of its lease') {
    await expireClaim(pool(), deliveryId);
    await endExpiredClaims(pool(), [key]);
  }
  return claimed;
}

const recordOf = (
  { key }: ClaimedAttempt,
  step: RecordedStep = DELIVERED,
  result = answered(200),
): AttemptRecord => ({ key, result, step });

/** What is left of it, but for ids and the moment. */
async function readEnd({ orderId, deliveryId }: ClaimedAttempt) {
  const deliveries = await readDeliveries(pool(), orderId);
  const attempts = await readAttempts(pool(), deliveryId);
  const { rows } = await pool().query(
    `select job_due_at is not null as has_job, finished_at is not null as finished, is_probe, use_other_secret,
            refused_secret_hash, last_response_status from deliveries where id = $1`,
    [deliveryId],
  );
  return {
    rows,
    deliveries: deliveries.map(({ claimToken, dueInMs, ...rest }) => ({
      ...rest,
      id: null,
      isClaimed: claimToken !== null,
      dueInSeconds: Math.max(0, Math.round(dueInMs / 20_000) * 20),
    })),
    attempts: attempts.map((row) => ({ ...row, startedAt: null, endedAt: row.endedAt !== null })),
  };
}

test('each ends as it would alone', { timeout: 30_000 }, async () => {
  const situation = fc.record({
    meanwhile: fc.constantFrom<Meanwhile>(
      'nothing',
      'nothing',
      'a newer change',
      'a close',
      'a pause',
      'the end of its lease',
      'a probe',
    ),
    step: fc.constantFrom<RecordedStep>(
      DELIVERED,
      { kind: 'failed', reason: 'rejected' },
      RETRY,
      { ...RETRY, holdIn: 'database' },
      { kind: 'retry_with_other_secret', refusedSecretHash: 'hash' },
      { kind: 'wait_on' },
    ),
    status: fc.constantFrom(200, 404, 503),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(situation, { minLength: 2, maxLength: 8 }), async (situations) => {
      const together: ClaimedAttempt[] = [];
      const alone: ClaimedAttempt[] = [];
      for (const { meanwhile } of situations) {
        together.push(await insertClaimed(meanwhile));
        alone.push(await insertClaimed(meanwhile));
      }
      const toRecord = (claimed: ClaimedAttempt, index: number) =>
        recordOf(claimed, situations[index]?.step, answered(situations[index]?.status ?? 200));
      const { states } = await recordAttempts(pool(), together.map(toRecord));
      const expected = [];
      for (const [index, claimed] of alone.entries()) {
        const { key, result, step } = toRecord(claimed, index);
        expected.push((await recordAttempt(pool(), key, result, step)).state);
      }
      expect(states).toEqual(expected);
      expect(await Promise.all(together.map(readEnd))).toEqual(await Promise.all(alone.map(readEnd)));
    }),
    { numRuns: 10 },
  );
});

test('of a batch whose answer was lost everything is known to be recorded', async () => {
  const claimed = await stage.insertMany(4);
  const { executor, count } = stage.createExecutor(async (name, run) => {
    await run();
    if (name === 'record-attempts' && count(name) === 1)
      throw new Error('Connection terminated unexpectedly');
  });
  const recorder = stage.createRecorder(executor);
  const steps = [DELIVERED, RETRY, DELIVERED, RETRY];
  const ends = claimed.map(({ key }, index) =>
    recorder.recordUntilKnown(key, answered(200), steps[index] ?? DELIVERED),
  );
  expect(await Promise.all(ends)).toEqual(Array(4).fill('recorded'));
  const states = await Promise.all(claimed.map(async (one) => (await readEnd(one)).deliveries[0]));
  expect(states.map((row) => [row?.state, row?.budgetUsed])).toEqual([
    ['delivered', 1],
    ['queued', 1],
    ['delivered', 1],
    ['queued', 1],
  ]);
});

test('of a batch that was lost before it ran, one whose lease ran out meanwhile is lost', async () => {
  const claimed = await stage.insertMany(3);
  const [first] = claimed;
  const { executor, count } = stage.createExecutor(async (name, run) => {
    if (name !== 'record-attempts' || count(name) > 1) return run();
    await expireClaim(pool(), first?.deliveryId ?? '');
    await endExpiredClaims(pool(), first === undefined ? [] : [first.key]);
    throw new Error('Connection terminated unexpectedly');
  });
  const recorder = stage.createRecorder(executor);
  const ends = claimed.map(({ key }) => recorder.recordUntilKnown(key, answered(200), DELIVERED));
  expect(await Promise.all(ends)).toEqual(['lost', 'delivered', 'delivered']);
});

test('what PostgreSQL cannot store keeps nothing else from being recorded', async () => {
  const claimed = await stage.insertMany(4);
  let isMended = false;
  const mending: SqlExecutor = {
    query<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig<unknown[]>) {
      if (typeof statement === 'string' || !isMended) return pool().query<Row>(statement as pg.QueryConfig);
      const values = JSON.parse(JSON.stringify(statement.values).replaceAll(String.raw`\u0000`, ''));
      return pool().query<Row>({ ...statement, values });
    },
  };
  const recorder = stage.createRecorder(mending);
  const ends = claimed.map(({ key }, index) =>
    recorder.recordUntilKnown(
      key,
      { ...answered(200), responseExcerpt: index === 0 ? '\0' : 'fine' },
      DELIVERED,
    ),
  );
  expect(await Promise.all(ends.slice(1))).toEqual(Array(3).fill('delivered'));
  const other = await stage.insertClaimed();
  expect(await recorder.recordUntilKnown(other.key, answered(200), DELIVERED)).toBe('delivered');
  isMended = true;
  expect(await ends[0]).toBe('delivered');
});

test('two attempts of one delivery, the first without its claim: each row gets its own answer', async () => {
  const lost = await insertClaimed('the end of its lease');
  await claimDelivery(pool(), { deliveryId: lost.deliveryId, generation: 2 }, 'next', 10_000);
  const next = { ...lost, key: { ...lost.key, attemptNumber: 2, token: 'next' } };
  const records = [recordOf(lost, DELIVERED, answered(404)), recordOf(next, DELIVERED, answered(200))];
  expect((await recordAttempts(pool(), records)).states).toEqual([null, 'delivered']);
  expect(await readAttempts(pool(), lost.deliveryId)).toMatchObject([
    { outcome: 'interrupted', responseStatus: null },
    { outcome: 'acknowledged', responseStatus: 200 },
  ]);
});

test('many that end together take one statement or two', async () => {
  const claimed = await stage.insertMany(50);
  const { executor, sent } = stage.createExecutor();
  const recorder = stage.createRecorder(executor);
  const ends = claimed.map(({ key }) => recorder.recordUntilKnown(key, answered(200), DELIVERED));
  expect(new Set(await Promise.all(ends))).toEqual(new Set(['delivered']));
  expect(sent).toEqual(['record-attempts']);
});

test('in a new database, too, rows are found by their keys, and one plan serves all lengths', async () => {
  const fresh = await createTestDatabase();
  const client = await fresh.database.pool.connect();
  try {
    const key = { deliveryId: 'f'.repeat(24), attemptNumber: 1, token: 'token' };
    const records = (count: number) =>
      Array.from({ length: count }, (): AttemptRecord => ({ key, result: answered(200), step: DELIVERED }));
    // As a worker's connections are set up.
    await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
    const { nodes } = await explain(client, (executor) => recordAttempts(executor, records(16)));
    const reads = nodes.filter(({ table }) => table === 'deliveries' || table === 'delivery_attempts');
    const types = new Set(reads.map(({ type }) => type));
    expect(types).toEqual(new Set(['ModifyTable', 'Index Scan', 'Index Only Scan']));
    const indexes = reads.map(({ index }) => index);
    expect(indexes).toEqual(expect.arrayContaining(['deliveries_pkey', 'delivery_attempts_pkey']));
    const counted = reads.filter(({ type }) => type === 'Index Only Scan').map(({ index }) => index);
    expect(new Set(counted)).toEqual(new Set(['deliveries_queued_idx']));
    for (const count of [1, 128, 1, 16, 1, 128, 1, 16]) await recordAttempts(client, records(count));
    const { rows } = await client.query(
      `select generic_plans::int as generic from pg_prepared_statements where name = 'record-attempts'`,
    );
    expect(rows[0]?.generic).toBeGreaterThan(0);
  } finally {
    client.release();
    await fresh.drop();
  }
});
