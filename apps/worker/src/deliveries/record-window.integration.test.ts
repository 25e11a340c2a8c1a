/** A window that was halved is kept to by what is sent again, whether it ends alone or together with others. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { insertOrder, readDeliveries } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import {
  type ClaimedAttempt,
  createRecordStage,
  DELIVERED,
  RETRY,
  type RecordStage,
} from '../testing/record-stage.ts';
import { makeDueEarlier } from '../testing/shift-time-sql.ts';
import { attemptDelivery } from './attempt-delivery.ts';
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
function insertUnderWindow(count: number, window: number): Promise<ClaimedAttempt[]> {
  return stage.insertManyOfOne(
    Array.from({ length: count }, () => ['queued']),
    { window },
  );
}

const toRecords = (claimed: readonly ClaimedAttempt[], ...steps: RecordedStep[]): AttemptRecord[] =>
  claimed.map(({ key }, index) => ({ key, result: answered(503), step: steps[index] ?? RETRY }));

const repeat = (count: number, state: RecordedState) => Array<RecordedState>(count).fill(state);

test('of those that end together as many leave the queue as are too many', async () => {
  const claimed = await insertUnderWindow(16, 8);
  expect((await recordAttempts(pool(), toRecords(claimed.slice(0, 4)))).states).toEqual(repeat(4, 'waiting'));
  expect((await recordAttempts(pool(), toRecords(claimed.slice(4)))).states).toEqual([
    ...repeat(4, 'waiting'),
    ...repeat(8, 'queued'),
  ]);
});

test('what a newer change replaces makes room, too', async () => {
  const replaced = ['queued', 'blocked'] as ['queued', 'blocked'];
  const claimed = await stage.insertManyOfOne([['queued'], ['queued'], replaced, replaced], {
    mode: 'latest_only',
    window: 2,
  });
  expect((await recordAttempts(pool(), toRecords(claimed))).states).toEqual([
    ...repeat(2, 'queued'),
    ...repeat(2, 'superseded'),
  ]);
});

test('one after the other, too', async () => {
  const states = [];
  for (const { key } of await insertUnderWindow(6, 4)) {
    states.push((await recordAttempt(pool(), key, answered(503), RETRY)).state);
  }
  expect(states).toEqual([...repeat(2, 'waiting'), ...repeat(4, 'queued')]);
});

test('what ends makes room for what is sent again', async () => {
  const claimed = await insertUnderWindow(6, 3);
  const records = toRecords(claimed, RETRY, RETRY, RETRY, RETRY, DELIVERED, DELIVERED);
  expect((await recordAttempts(pool(), records)).states).toEqual([
    'waiting',
    ...repeat(3, 'queued'),
    ...repeat(2, 'delivered'),
  ]);
});

test('what is sent again at once stays, or it would come behind all that waits', async () => {
  const claimed = await insertUnderWindow(4, 1);
  const records = toRecords(claimed, OTHER_SECRET, { ...RETRY, delayMs: 0 }, RETRY, OTHER_SECRET);
  expect((await recordAttempts(pool(), records)).states).toEqual(['queued', 'queued', 'waiting', 'queued']);
});

test('nothing stays of an endpoint that is paused, or whose window is 0', async () => {
  for (const closed of [`state = 'paused'`, `"window" = 0, next_probe_at = now(), broken_since = now()`]) {
    const claimed = await insertUnderWindow(3, 16);
    await pool().query(`update webhook_endpoints set ${closed} where id = $1`, [claimed[0]?.endpointId]);
    const records = toRecords(claimed, OTHER_SECRET, DELIVERED, RETRY);
    expect((await recordAttempts(pool(), records)).states).toEqual(['waiting', 'delivered', 'waiting']);
  }
});

test('an endpoint has no part in the windows of others', async () => {
  const [narrow, wide] = [await insertUnderWindow(4, 2), await insertUnderWindow(4, 4)];
  const mixed = narrow.flatMap((each, index) => [each, wide[index]!]);
  const { states } = await recordAttempts(pool(), toRecords(mixed));
  const statesOf = (endpoint: readonly ClaimedAttempt[]) =>
    states.filter((_, index) => endpoint.includes(mixed[index]!));
  expect(statesOf(narrow)).toEqual([...repeat(2, 'waiting'), ...repeat(2, 'queued')]);
  expect(statesOf(wide)).toEqual(repeat(4, 'queued'));
});

test('what has no room for its retry ends its job, and goes on under a new one when there is room', async () => {
  const attempts = createAttemptStage(subject.database);
  const endpoint = await attempts.insertEndpoint({ window: 4 });
  const setWindow = (window: number) =>
    pool().query('update webhook_endpoints set "window" = $1 where id = $2', [window, endpoint.endpointId]);
  const attempt = async (result: AttemptResult) => {
    const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
    const [deliveryId = ''] = deliveryIds;
    const answer = Promise.withResolvers<AttemptResult>();
    const sent = attempts.sent.length;
    attempts.answer(() => answer.promise);
    const end = attemptDelivery(attempts.deps, { deliveryId, generation: 1 });
    await expect.poll(() => attempts.sent.length).toBe(sent + 1);
    return { orderId, deliveryId, finish: () => (answer.resolve(result), end) };
  };

  const first = await attempt(answered(503));
  const second = await attempt(answered(503));
  await setWindow(1);
  expect(await first.finish()).toMatchObject({ kind: 'done' });
  expect(await second.finish()).toMatchObject({ kind: 'retry' });
  const [waiting] = await readDeliveries(pool(), first.orderId);
  expect(waiting).toMatchObject({ state: 'waiting', generation: 1, budgetUsed: 1 });
  expect(waiting?.dueInMs).toBeGreaterThan(500);

  await setWindow(2);
  await makeDueEarlier(pool(), first.deliveryId, 60_000);
  const third = await attempt(answered(200));
  await third.finish();
  await attempts.deps.dispatcher.drain();
  expect(await readDeliveries(pool(), first.orderId)).toMatchObject([{ state: 'queued', generation: 2 }]);
});
