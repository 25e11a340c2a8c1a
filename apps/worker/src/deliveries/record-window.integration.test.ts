/** A window that was halved is kept to by what is sent again, whether it ends alone or together with others. */
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import {
  type ClaimedAttempt,
  createRecordStage,
  DELIVERED,
  RETRY,
  type RecordStage,
} from '../testing/record-stage.ts';
import {
  type AttemptRecord,
  type RecordedState,
  type RecordedStep,
  recordAttempt,
  recordAttempts,
} from './record-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: RecordStage;

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createRecordStage(subject.database.pool);
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;
const OTHER_SECRET = { kind: 'retry_with_other_secret', refusedSecretHash: 'hash' } as const;

/** So many of one endpoint in the queue, all on their way, and a window that is smaller. */
async function insertUnderWindow(count: number, window: number): Promise<ClaimedAttempt[]> {
  const claimed = await stage.insertManyOfOne(count);
  await pool().query('update webhook_endpoints set "window" = $1 where id = $2', [
    window,
    claimed[0]?.endpointId,
  ]);
  return claimed;
}

const toRecords = (claimed: readonly ClaimedAttempt[], ...steps: RecordedStep[]): AttemptRecord[] =>
  claimed.map(({ key }, index) => ({ key, result: answered(503), step: steps[index] ?? RETRY }));

const repeat = (count: number, state: RecordedState) => Array<RecordedState>(count).fill(state);

test('of those that end together as many leave the queue as are too many', async () => {
  const claimed = await insertUnderWindow(16, 8);
  expect(await recordAttempts(pool(), toRecords(claimed.slice(0, 4)))).toEqual(repeat(4, 'waiting'));
  expect(await recordAttempts(pool(), toRecords(claimed.slice(4)))).toEqual([
    ...repeat(4, 'waiting'),
    ...repeat(8, 'queued'),
  ]);
});

test('one after the other, too', async () => {
  const states = [];
  for (const { key } of await insertUnderWindow(6, 4)) {
    states.push(await recordAttempt(pool(), key, answered(503), RETRY));
  }
  expect(states).toEqual([...repeat(2, 'waiting'), ...repeat(4, 'queued')]);
});

test('what ends makes room for what is sent again', async () => {
  const claimed = await insertUnderWindow(6, 3);
  const records = toRecords(claimed, RETRY, RETRY, RETRY, RETRY, DELIVERED, DELIVERED);
  expect(await recordAttempts(pool(), records)).toEqual([
    'waiting',
    ...repeat(3, 'queued'),
    ...repeat(2, 'delivered'),
  ]);
});

test('what is tried again at once goes as well, and keeps what it was to be tried with', async () => {
  const [claimed] = await insertUnderWindow(2, 1);
  const [record] = toRecords([claimed!], OTHER_SECRET);
  expect(await recordAttempts(pool(), [record!])).toEqual(['waiting']);
  const { rows } = await pool().query(
    'select use_other_secret, budget_used, due_at <= now() as is_due, job_due_at from deliveries where id = $1',
    [claimed?.deliveryId],
  );
  expect(rows).toEqual([{ use_other_secret: true, budget_used: 0, is_due: true, job_due_at: null }]);
});

test('an endpoint has no part in the windows of others', async () => {
  const [narrow, wide] = [await insertUnderWindow(4, 2), await insertUnderWindow(4, 4)];
  const mixed = narrow.flatMap((each, index) => [each, wide[index]!]);
  const states = await recordAttempts(pool(), toRecords(mixed));
  const statesOf = (endpoint: readonly ClaimedAttempt[]) =>
    states.filter((_, index) => endpoint.includes(mixed[index]!));
  expect(statesOf(narrow)).toEqual([...repeat(2, 'waiting'), ...repeat(2, 'queued')]);
  expect(statesOf(wide)).toEqual(repeat(4, 'queued'));
});
