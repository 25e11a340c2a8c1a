import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { readAttempts, readDeliveries } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endExpiredClaims } from '../relay/relay-sql.ts';
import { answered } from '../testing/attempt-results.ts';
import { createRecordStage, DELIVERED, RETRY, type RecordStage } from '../testing/record-stage.ts';
import { expireClaim } from '../testing/shift-time-sql.ts';
import { claimDelivery } from './claim-sql.ts';
import { addLateAnswer } from './lost-claim-sql.ts';
import type { Recorder } from './record-attempt.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: RecordStage;

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createRecordStage(subject.database.pool);
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

/**
 * What happens to the calls of a test's executor, first call first; further ones go through. A function runs
 * after the call, whose answer is then lost.
 */
type Fate = 'refused' | (() => Promise<unknown>);

const answerLost: Fate = async () => undefined;

function createExecutor(...fates: Fate[]): SqlExecutor {
  const { executor } = stage.createExecutor(async (_name, run) => {
    const fate = fates.shift();
    if (fate !== 'refused') await run();
    if (fate === undefined) return;
    if (fate !== 'refused') await fate();
    throw new Error('Connection terminated unexpectedly');
  });
  return executor;
}

/** A worker of its own records it. */
function recordUntilKnown(executor: SqlExecutor, ...record: Parameters<Recorder['recordUntilKnown']>) {
  return stage.createRecorder(executor).recordUntilKnown(...record);
}

async function readDelivery(orderId: string) {
  const [row] = await readDeliveries(pool(), orderId);
  return row;
}

test('a record writes the attempt’s end and the delivery’s state', async () => {
  const { orderId, deliveryId, key } = await stage.insertClaimed();
  expect(await recordUntilKnown(pool(), key, answered(503), RETRY)).toBe('queued');
  const row = await readDelivery(orderId);
  expect(row).toMatchObject({
    state: 'queued',
    generation: 1,
    attemptCount: 1,
    budgetUsed: 1,
    claimToken: null,
    lastOutcome: 'rejected',
  });
  expect(row?.dueInMs).toBeGreaterThan(500);
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { number: 1, outcome: 'rejected', responseStatus: 503, responseExcerpt: 'status 503' },
  ]);
});

test('a record is repeated while the database is away', async () => {
  const { orderId, key } = await stage.insertClaimed();
  const executor = createExecutor('refused', 'refused');
  stage.warnings.length = 0;
  expect(await recordUntilKnown(executor, key, answered(200), DELIVERED)).toBe('delivered');
  expect(await readDelivery(orderId)).toMatchObject({ state: 'delivered' });
  expect(stage.warnings).toMatchObject([{ failures: 1 }, { failures: 2 }]);
});

test.each([DELIVERED, RETRY])('a record whose answer was lost goes on as recorded: $kind', async (step) => {
  const { orderId, deliveryId, key } = await stage.insertClaimed();
  const executor = createExecutor(answerLost, 'refused');
  expect(await recordUntilKnown(executor, key, answered(200), step)).toBe('recorded');
  expect(await readDelivery(orderId)).toMatchObject({ budgetUsed: 1 });
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ outcome: 'acknowledged', error: null }]);
});

test('also when another attempt of it has begun since', async () => {
  const { deliveryId, key } = await stage.insertClaimed();
  const claimNext = () => claimDelivery(pool(), { deliveryId, generation: 1 }, 'next', 10_000);
  const executor = createExecutor(claimNext);
  const fate = await recordUntilKnown(executor, key, answered(503), {
    ...RETRY,
    delayMs: 0,
  });
  expect(fate).toBe('recorded');
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { number: 1, outcome: 'rejected', responseStatus: 503 },
    { number: 2, outcome: null, trigger: 'retry' },
  ]);
});

test.each([{ fates: [] }, { fates: ['refused'] }, { fates: ['refused', 'refused'] }] satisfies {
  fates: Fate[];
}[])('a record after its lease ran out adds its answer and changes nothing: %j', async ({ fates }) => {
  const { orderId, deliveryId, key } = await stage.insertClaimed(['queued', 'blocked']);
  await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), [key]);
  const before = await pool().query('select * from deliveries where order_id = $1 order by order_version', [
    orderId,
  ]);
  expect(await recordUntilKnown(createExecutor(...fates), key, answered(200), DELIVERED)).toBe('lost');
  const after = await pool().query('select * from deliveries where order_id = $1 order by order_version', [
    orderId,
  ]);
  expect(after.rows).toEqual(before.rows);
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    {
      outcome: 'interrupted',
      responseStatus: 200,
      responseExcerpt: 'status 200',
      error: 'answered after its lease ran out: acknowledged',
    },
  ]);
});

test('a late answer does not touch the attempt that came after it', async () => {
  const { deliveryId, key } = await stage.insertClaimed();
  await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), [key]);
  await claimDelivery(pool(), { deliveryId, generation: 2 }, 'next', 10_000);
  expect(
    await recordUntilKnown(pool(), key, answered(400), {
      kind: 'failed',
      reason: 'rejected',
    }),
  ).toBe('lost');
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { number: 1, trigger: 'first', outcome: 'interrupted', responseStatus: 400 },
    { number: 2, trigger: 'resume', outcome: null, responseStatus: null },
  ]);
});

test('a late answer leaves out what the receiver said when the personal data was erased meanwhile', async () => {
  const { deliveryId, key } = await stage.insertClaimed();
  await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), [key]);
  await pool().query('update orders set personal_data_erased_at = now()');
  expect(await recordUntilKnown(pool(), key, answered(200), DELIVERED)).toBe('lost');
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { outcome: 'interrupted', responseStatus: 200, responseExcerpt: null },
  ]);
});

test('a late answer does not touch an attempt that was recorded', async () => {
  const { deliveryId, key } = await stage.insertClaimed();
  await recordUntilKnown(pool(), key, answered(200), DELIVERED);
  await addLateAnswer(pool(), key, answered(400));
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { outcome: 'acknowledged', responseStatus: 200, error: null },
  ]);
});
