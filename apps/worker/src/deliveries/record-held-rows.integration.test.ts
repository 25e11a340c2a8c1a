/** Attempts whose deliveries somebody has in hand: they are recorded when they are let go, and keep nobody else waiting. */
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import {
  type ClaimedAttempt,
  createRecordStage,
  DELIVERED,
  RETRY,
  type RecordStage,
} from '../testing/record-stage.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: RecordStage;
let holder: pg.PoolClient;

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createRecordStage(subject.database.pool);
});
afterAll(() => subject.drop());
beforeEach(async () => {
  holder = await subject.database.pool.connect();
  await holder.query('begin');
});
afterEach(() => holder.release(true));

async function hold(claimed: readonly ClaimedAttempt[]): Promise<void> {
  const ids = claimed.map(({ deliveryId }) => deliveryId);
  await holder.query('select 1 from deliveries where id = any ($1) order by id for update', [ids]);
}

test('a row that somebody holds keeps none of the others, and is recorded when it is let go', async () => {
  const claimed = await stage.insertMany(5);
  const { executor, count } = stage.createExecutor();
  const recorder = stage.createRecorder(executor);
  await hold(claimed.slice(0, 1));
  const ends = claimed.map(({ key }) => recorder.recordUntilKnown(key, answered(200), DELIVERED));
  expect(await Promise.all(ends.slice(1))).toEqual(Array(4).fill('delivered'));
  await expect.poll(() => count('record-attempt')).toBe(1);
  // While it waits, others are recorded.
  const another = await stage.insertClaimed();
  expect(await recorder.recordUntilKnown(another.key, answered(503), RETRY)).toBe('queued');
  await holder.query('commit');
  expect(await ends[0]).toBe('delivered');
  expect(count('record-attempts')).toBe(2);
});

test('nobody stands in line behind rows that somebody holds, also of a batch that failed', async () => {
  const claimed = await stage.insertMany(4);
  const { executor, count } = stage.createExecutor(async (name, run) => {
    if (name === 'record-attempts' && count(name) === 1) throw new Error('something of one of them');
    await run();
  });
  const recorder = stage.createRecorder(executor);
  await hold(claimed.slice(0, 3));
  const ends = claimed.map(({ key }) => recorder.recordUntilKnown(key, answered(200), DELIVERED));
  expect(await ends[3]).toBe('delivered');
  await expect.poll(() => count('record-attempt')).toBe(2);
  await holder.query('rollback');
  expect(await Promise.all(ends)).toEqual(Array(4).fill('delivered'));
});

test('what waited for as long as a statement may was not written, and is left out again', async () => {
  const claimed = await stage.insertClaimed();
  const { executor, sent, count } = stage.createExecutor(async (name, run) => {
    if (name === 'record-attempt' && count(name) === 1)
      throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    await run();
    if (count('record-attempt') === 1) await holder.query('rollback');
  });
  const recorder = stage.createRecorder(executor);
  await hold([claimed]);
  expect(await recorder.recordUntilKnown(claimed.key, answered(200), DELIVERED)).toBe('delivered');
  expect(sent.slice(0, 3)).toEqual(['record-attempts', 'record-attempt', 'record-attempts']);
});
