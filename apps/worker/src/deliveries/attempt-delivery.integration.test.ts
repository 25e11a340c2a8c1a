import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import {
  emptyDatabase,
  insertOrder,
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findOvertakenLanes, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { createClaims } from './create-claims.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createAttemptStage>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
});

const pool = () => subject.database.pool;

async function insertLane(states: Parameters<typeof insertOrder>[2] = ['queued', 'blocked'], options = {}) {
  const endpoint = await stage.insertEndpoint(options);
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, states);
  const [deliveryId = '', nextId = ''] = deliveryIds;
  return { ...endpoint, orderId, deliveryId, nextId, job: { deliveryId, generation: 1 } };
}

async function readDelivery(orderId: string) {
  const [row] = await readDeliveries(pool(), orderId);
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
}

/** The worker is not heard of until the relay has ended its claim; this answer then comes too late. */
function tooLate(deliveryId: string, answer: AttemptResult) {
  return async () => {
    await expireClaim(pool(), deliveryId);
    expect(await stage.relayTick()).toMatchObject({ endedClaims: 1 });
    return answer;
  };
}

const messages = () => stage.logLines.map(({ msg }) => msg);

describe('an attempt that ends its delivery lets the lane go on', () => {
  test.each([
    ['delivered', answered(200), { kind: 'done' }, 'Customer webhook sent successfully'],
    ['failed', answered(400), { kind: 'failed', reason: 'rejected 400' }, 'Customer webhook failed'],
  ] as const)('%s', async (state, answer, end, message) => {
    const { job, orderId, nextId } = await insertLane();
    stage.answer(answer);
    expect(await attemptDelivery(stage.deps, job)).toMatchObject(end);
    expect(await readStates(pool(), orderId)).toEqual([state, 'queued']);
    expect(stage.queue.ids()).toEqual([`${nextId}-1`]);
    expect(messages()).toEqual([message]);
    expect(await findStrandedLanes(pool())).toEqual([]);
    expect(await findOvertakenLanes(pool())).toEqual([]);
  });

  test('and gives its room to whoever waits longest', async () => {
    const { job, endpointId, customerServerId } = await insertLane(['queued'], { window: 1 });
    const waiting = await insertOrder(pool(), { endpointId, customerServerId }, ['waiting']);
    await attemptDelivery(stage.deps, job);
    expect(await readStates(pool(), waiting.orderId)).toEqual(['queued']);
    expect(stage.queue.ids()).toEqual([`${waiting.deliveryIds[0]}-1`]);
  });

  test('a change that was committed while it was sent included', async () => {
    const { job, orderId, deliveryId, endpointId } = await insertLane(['queued']);
    // What a change writes that finds the lane's head open.
    stage.answer(async () => {
      await pool().query(
        `with t as (insert into order_transitions (id, order_id, customer_server_id, version, from_status,
                                                   to_status, actor_type, changed_at, body)
                    select new_id(), order_id, customer_server_id, 2, 'pending', 'assigned', 'admin', now(), '{}'
                      from deliveries where id = $1 returning *)
         insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                                 changed_at, state)
         select new_id(), customer_server_id, id, order_id, 2, $2, now(), 'blocked' from t`,
        [deliveryId, endpointId],
      );
      return answered(200);
    });
    await attemptDelivery(stage.deps, job);
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued']);
  });
});

describe('a retry', () => {
  test('within 10 s stays in the queue, and its job comes back after the wait that was recorded', async () => {
    const { job, orderId } = await insertLane();
    stage.answer(answered(503));
    expect(await attemptDelivery(stage.deps, job)).toEqual({
      kind: 'retry',
      delayMs: 1_000,
      reason: 'rejected 503',
      summary: 'attempt 1: rejected 503 (service_unavailable) after 12 ms, next attempt in 1000 ms',
    });
    const row = await readDelivery(orderId);
    expect(row).toMatchObject({ state: 'queued', generation: 1, budgetUsed: 1 });
    expect(row.dueInMs).toBeGreaterThan(500);
    expect(row.dueInMs).toBeLessThanOrEqual(1_000);
    expect(stage.queue.ids()).toEqual([]);
    expect(stage.logLines).toMatchObject([{ msg: 'Customer webhook failed, retrying', retryInMs: 1_000 }]);

    // The job that is back too early is put off, and counts as no attempt.
    const early = await attemptDelivery(stage.deps, job);
    expect(early).toEqual({ kind: 'not_yet', retryInMs: 1_000 });
    expect(await readDelivery(orderId)).toMatchObject({ attemptCount: 1 });
  });

  test('after more than 10 s takes no room meanwhile; the relay brings it back when it is due', async () => {
    const { job, orderId, deliveryId, ...endpoint } = await insertLane(['queued', 'blocked'], { window: 1 });
    const other = await insertOrder(pool(), endpoint, ['waiting']);
    stage.answer(answered(503, '60'));
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    const row = await readDelivery(orderId);
    expect(row).toMatchObject({ state: 'waiting', budgetUsed: 1 });
    expect(row.dueInMs).toBeGreaterThan(55_000);
    expect(await readStates(pool(), orderId)).toEqual(['waiting', 'blocked']);
    expect(await readStates(pool(), other.orderId)).toEqual(['queued']);

    const otherJob = stage.queue.take();
    await stage.relayTick();
    expect(await readDelivery(orderId)).toMatchObject({ state: 'waiting' });
    await makeDueEarlier(pool(), deliveryId, 60_000);
    await stage.relayTick();
    expect(await readDelivery(orderId)).toMatchObject({ state: 'waiting' });

    // There is room again.
    await attemptDelivery(stage.deps, otherJob);
    expect(await readDelivery(orderId)).toMatchObject({ state: 'queued', generation: 2 });
    expect(stage.queue.ids()).toEqual([`${deliveryId}-2`]);
    expect(await attemptDelivery(stage.deps, stage.queue.take())).toMatchObject({ kind: 'done' });
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued']);
  });

  test('that is due with room is promoted by the relay alone', async () => {
    const { job, orderId, deliveryId } = await insertLane(['queued']);
    stage.answer(answered(429, '3600'));
    await attemptDelivery(stage.deps, job);
    await makeDueEarlier(pool(), deliveryId, 3_600_000);
    expect(await stage.relayTick()).toMatchObject({ promoted: 1 });
    expect(await readDelivery(orderId)).toMatchObject({ state: 'queued', generation: 2 });
    expect(stage.queue.ids()).toEqual([`${deliveryId}-2`]);
  });
});

/** The job of the delivery as it is now, made due at once. */
async function takeAgain(orderId: string) {
  const { id, generation, dueInMs } = await readDelivery(orderId);
  if (dueInMs > 0) await makeDueEarlier(pool(), id, dueInMs + 1);
  return attemptDelivery(stage.deps, { deliveryId: id, generation });
}

describe('the retry budget', () => {
  test('is one first attempt and three retries', async () => {
    const { orderId, deliveryId } = await insertLane(['queued', 'blocked']);
    stage.answer(answered(500), TIMED_OUT, answered(408), answered(503));
    const ends = [];
    for (let n = 0; n < 4; n += 1) ends.push(await takeAgain(orderId));
    expect(ends).toMatchObject([
      { kind: 'retry', delayMs: 1_000, reason: 'rejected 500' },
      { kind: 'retry', delayMs: 2_000, reason: 'timed_out no_answer' },
      { kind: 'retry', delayMs: 3_000, reason: 'rejected 408' },
      { kind: 'failed', reason: 'retries_exhausted: rejected 503' },
    ]);
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([
      { number: 1, trigger: 'first' },
      { number: 2, trigger: 'retry' },
      { number: 3, trigger: 'retry' },
      { number: 4, trigger: 'retry' },
    ]);
    expect(await readDelivery(orderId)).toMatchObject({ budgetUsed: 4, lastError: 'retries_exhausted' });
    expect(await readStates(pool(), orderId)).toEqual(['failed', 'queued']);
  });

  test('counts over a dead worker, whose attempt uses none of it', async () => {
    const { orderId, deliveryId } = await insertLane();
    stage.answer(
      answered(500),
      tooLate(deliveryId, answered(500)),
      answered(500),
      answered(500),
      answered(500),
    );
    const ends = [];
    for (let n = 0; n < 5; n += 1) ends.push((await takeAgain(orderId)).kind);
    expect(ends).toEqual(['retry', 'done', 'retry', 'retry', 'failed']);
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([
      { number: 1, trigger: 'first', outcome: 'rejected' },
      { number: 2, trigger: 'retry', outcome: 'interrupted', responseStatus: 500 },
      { number: 3, trigger: 'resume', outcome: 'rejected' },
      { number: 4, trigger: 'retry', outcome: 'rejected' },
      { number: 5, trigger: 'retry', outcome: 'rejected' },
    ]);
    expect(await readDelivery(orderId)).toMatchObject({ attemptCount: 5, budgetUsed: 4, generation: 2 });
  });
});

describe('an attempt whose lease ran out', () => {
  test('adds its answer to its own row, and the delivery goes its own way', async () => {
    const { job, orderId, deliveryId } = await insertLane();
    stage.answer(tooLate(deliveryId, answered(200)));
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    expect(await readStates(pool(), orderId)).toEqual(['queued', 'blocked']);
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([
      { outcome: 'interrupted', responseStatus: 200, error: expect.stringContaining('after its lease') },
    ]);
    expect(messages()).toEqual([
      'Attempt interrupted: its worker vanished',
      'Webhook answered after its lease ran out',
    ]);
    expect(stage.queue.ids()).toEqual([`${deliveryId}-2`]);
    expect(await attemptDelivery(stage.deps, job)).toEqual({ kind: 'skipped' });
    expect(stage.sent).toHaveLength(1);
  });

  test('ten times in a row fails the delivery, and the lane goes on', async () => {
    const { orderId, deliveryId, nextId } = await insertLane();
    for (let n = 1; n <= 10; n += 1) {
      stage.answer(tooLate(deliveryId, TIMED_OUT));
      await takeAgain(orderId);
      expect(await readDelivery(orderId)).toMatchObject({
        interruptedCount: n,
        generation: n + 1,
        state: n < 10 ? 'queued' : 'failed',
      });
    }
    expect(await readDelivery(orderId)).toMatchObject({ lastError: 'interrupted', budgetUsed: 0 });
    expect(await readStates(pool(), orderId)).toEqual(['failed', 'queued']);
    expect(stage.queue.ids()).toContain(`${nextId}-1`);
    expect(stage.sent).toHaveLength(10);
  });

  test('nine times and then an answer starts the count again', async () => {
    const { orderId, deliveryId } = await insertLane();
    await pool().query('update deliveries set interrupted_count = 9 where id = $1', [deliveryId]);
    stage.answer(answered(503), tooLate(deliveryId, TIMED_OUT));
    await takeAgain(orderId);
    await takeAgain(orderId);
    expect(await readDelivery(orderId)).toMatchObject({
      state: 'queued',
      interruptedCount: 1,
      budgetUsed: 1,
    });
  });
});

describe('an endpoint that closed', () => {
  test('while its job was under way: nothing is sent, and the job ends silently', async () => {
    const { job, orderId, endpointId } = await insertLane();
    await pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [endpointId]);
    expect(await attemptDelivery(stage.deps, job)).toEqual({ kind: 'skipped' });
    expect(await readStates(pool(), orderId)).toEqual(['waiting', 'blocked']);
    expect(stage.sent).toEqual([]);
    expect(messages()).toEqual([]);
  });

  test('for good: all that was left of the lane is cancelled', async () => {
    const { job, orderId, endpointId } = await insertLane(['queued', 'blocked', 'blocked']);
    await pool().query(`update webhook_endpoints set deleted_at = now() where id = $1`, [endpointId]);
    expect(await attemptDelivery(stage.deps, job)).toEqual({ kind: 'skipped' });
    expect(await readStates(pool(), orderId)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(stage.sent).toEqual([]);
  });

  test('and opened again before its job looked why it was refused', async () => {
    const { job, orderId, endpointId } = await insertLane();
    await pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [endpointId]);
    const { executor } = stage.deps;
    let calls = 0;
    const reopening: typeof executor = {
      ...executor,
      async query(statement: never) {
        calls += 1;
        if (calls === 2) {
          await pool().query(`update webhook_endpoints set state = 'active' where id = $1`, [endpointId]);
        }
        return executor.query(statement);
      },
    };
    const end = await attemptDelivery({ ...stage.deps, claims: createClaims(reopening, 10_000) }, job);
    expect(end).toEqual({ kind: 'not_yet', retryInMs: 1_000 });
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued']);
  });
});
