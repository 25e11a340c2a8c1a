import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import {
  insertEndpoint,
  insertOrder,
  readAttempts,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endExpiredClaims } from '../relay/relay-sql.ts';
import { answered } from '../testing/attempt-results.ts';
import { expireClaim } from '../testing/shift-time-sql.ts';
import { claimDelivery } from './claim-sql.ts';
import { addLateAnswer } from './lost-claim-sql.ts';
import { createRecorder, type Recorder } from './record-attempt.ts';

const DELIVERED = { kind: 'delivered' } as const;
const RETRY = { kind: 'retry', delayMs: 1_000, holdIn: 'queue' } as const;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

async function insertClaimed(states: ['queued', ...'blocked'[]] = ['queued']) {
  const { orderId, deliveryIds } = await insertOrder(pool(), await insertEndpoint(pool()), states);
  const deliveryId = deliveryIds[0] ?? '';
  const claimed = await claimDelivery(pool(), { deliveryId, generation: 1 }, 'token', 10_000);
  if (claimed === null) throw new Error('the claim was refused');
  const key = { deliveryId, attemptNumber: claimed.attemptNumber, token: 'token' };
  return { orderId, deliveryId, key };
}

const warnings: Record<string, unknown>[] = [];
const logger = createLoggerTo(
  { write: (line) => void warnings.push(JSON.parse(line)) },
  { name: 'test', level: 'warn' },
);

/**
 * What happens to the calls of a test's executor, first call first; further ones go through. A function runs
 * after the call, whose answer is then lost.
 */
type Fate = 'refused' | (() => Promise<unknown>);

const answerLost: Fate = async () => undefined;

function createExecutor(...fates: Fate[]): SqlExecutor {
  return {
    async query<Row extends pg.QueryResultRow>(
      statement: string | pg.QueryConfig<unknown[]>,
    ): Promise<pg.QueryResult<Row>> {
      const fate = fates.shift();
      if (fate === 'refused') throw new Error('Connection terminated unexpectedly');
      const result =
        typeof statement === 'string'
          ? await pool().query<Row>(statement)
          : await pool().query<Row>(statement);
      if (fate === undefined) return result;
      await fate();
      throw new Error('Connection terminated unexpectedly');
    },
  };
}

/** A worker of its own records it. */
function recordUntilKnown(executor: SqlExecutor, ...record: Parameters<Recorder['recordUntilKnown']>) {
  return createRecorder({ executor, logger }).recordUntilKnown(...record);
}

async function readDelivery(orderId: string) {
  const [row] = await readDeliveries(pool(), orderId);
  return row;
}

test('a record writes the attempt’s end and the delivery’s state', async () => {
  const { orderId, deliveryId, key } = await insertClaimed();
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
  const { orderId, key } = await insertClaimed();
  const executor = createExecutor('refused', 'refused');
  warnings.length = 0;
  expect(await recordUntilKnown(executor, key, answered(200), DELIVERED)).toBe('delivered');
  expect(await readDelivery(orderId)).toMatchObject({ state: 'delivered' });
  expect(warnings).toMatchObject([{ failures: 1 }, { failures: 2 }]);
});

test.each([DELIVERED, RETRY])('a record whose answer was lost goes on as recorded: $kind', async (step) => {
  const { orderId, deliveryId, key } = await insertClaimed();
  const executor = createExecutor(answerLost, 'refused');
  expect(await recordUntilKnown(executor, key, answered(200), step)).toBe('recorded');
  expect(await readDelivery(orderId)).toMatchObject({ budgetUsed: 1 });
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ outcome: 'acknowledged', error: null }]);
});

test('also when another attempt of it has begun since', async () => {
  const { deliveryId, key } = await insertClaimed();
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
  const { orderId, deliveryId, key } = await insertClaimed(['queued', 'blocked']);
  await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), 10);
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
  const { deliveryId, key } = await insertClaimed();
  await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), 10);
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
  const { deliveryId, key } = await insertClaimed();
  await expireClaim(pool(), deliveryId);
  await endExpiredClaims(pool(), 10);
  await pool().query('update orders set personal_data_erased_at = now()');
  expect(await recordUntilKnown(pool(), key, answered(200), DELIVERED)).toBe('lost');
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { outcome: 'interrupted', responseStatus: 200, responseExcerpt: null },
  ]);
});

test('a late answer does not touch an attempt that was recorded', async () => {
  const { deliveryId, key } = await insertClaimed();
  await recordUntilKnown(pool(), key, answered(200), DELIVERED);
  await addLateAnswer(pool(), key, answered(400));
  expect(await readAttempts(pool(), deliveryId)).toMatchObject([
    { outcome: 'acknowledged', responseStatus: 200, error: null },
  ]);
});
