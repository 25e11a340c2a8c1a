/** What attempts that end together cost, as those of an endpoint that hangs do: counted in statements; and who gives way. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { insertOrder, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';

const ENDPOINTS = 10;
const OF_EACH = 5;

let testDatabase: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.drop());

test('fifty time-outs of ten endpoints are recorded and told in a few statements', async () => {
  const { database } = testDatabase;
  const stage = createAttemptStage(database);
  const answer = Promise.withResolvers<AttemptResult>();
  const orderIds: string[] = [];
  const ends = [];
  for (let n = 0; n < ENDPOINTS; n += 1) {
    const endpoint = await stage.insertEndpoint();
    for (let of = 0; of < OF_EACH; of += 1) {
      const { orderId, deliveryIds } = await insertOrder(database.pool, endpoint, ['queued']);
      orderIds.push(orderId);
      stage.answer(() => answer.promise);
      ends.push(attemptDelivery(stage.deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 }));
    }
  }
  await expect.poll(() => stage.sent.length).toBe(ENDPOINTS * OF_EACH);

  const query = vi.spyOn(pg.Client.prototype, 'query');
  answer.resolve(TIMED_OUT);
  expect(new Set((await Promise.all(ends)).map(({ kind }) => kind))).toEqual(new Set(['retry']));
  const sent = query.mock.calls.map(
    ([statement]) => (statement as unknown as pg.QueryConfig).name ?? statement,
  );
  query.mockRestore();
  expect(sent.toSorted()).toEqual(['read-endpoint-records', 'record-attempts', 'write-endpoint-records']);
  const states = await Promise.all(orderIds.map((orderId) => readStates(database.pool, orderId)));
  expect(new Set(states.flat())).toEqual(new Set(['queued']));
});

test('what will run again waits for its turn when it is recorded; nothing else does', async () => {
  const { database } = testDatabase;
  const stage = createAttemptStage(database);
  const endpoint = await stage.insertEndpoint();
  const takeTurn = vi.fn(async () => undefined);
  const insert = () => insertOrder(database.pool, endpoint, ['queued']);
  const attempt = ({ deliveryIds }: Awaited<ReturnType<typeof insert>>) =>
    attemptDelivery({ ...stage.deps, takeTurn }, { deliveryId: deliveryIds[0] ?? '', generation: 1 });

  stage.answer(answered(200), answered(400), answered(503));
  await attempt(await insert());
  await attempt(await insert());
  expect(takeTurn).not.toHaveBeenCalled();
  takeTurn.mockImplementation(async () => {
    const { rows } = await database.pool.query(
      `select 1 from delivery_attempts where reason = 'service_unavailable' and ended_at is not null`,
    );
    expect(rows).toHaveLength(1);
  });
  await attempt(await insert());
  expect(takeTurn).toHaveBeenCalledOnce();
});
