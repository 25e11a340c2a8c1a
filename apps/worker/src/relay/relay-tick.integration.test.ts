import { createWatchedExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { claimDelivery } from '../deliveries/claim-sql.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { findLateJobs } from './relay-sql.ts';
import { createRelayTick } from './relay-tick.ts';

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

/** A delivery in the queue whose job should have run so long ago. */
async function insertLate(lateMs: number) {
  const { orderId, deliveryIds } = await insertOrder(pool(), await insertEndpoint(pool()), ['queued']);
  const deliveryId = deliveryIds[0] ?? '';
  await makeDueEarlier(pool(), deliveryId, lateMs);
  return { orderId, deliveryId };
}

async function readDelivery(orderId: string) {
  const [row] = await readDeliveries(pool(), orderId);
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
}

describe('a job that is late', () => {
  test('and not in the queue is made again, under another id', async () => {
    const { orderId, deliveryId } = await insertLate(2_100);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 1 });
    expect(await readDelivery(orderId)).toMatchObject({ state: 'queued', generation: 2 });
    expect(stage.queue.jobs).toMatchObject([{ delayMs: 0, data: { deliveryId, generation: 2, orderId } }]);
    // The new one has its own two seconds.
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
  });

  test('by less than two seconds may still be on its way', async () => {
    await insertLate(1_000);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
  });

  test('and waits in the queue will run', async () => {
    const { deliveryId } = await insertLate(3_600_000);
    stage.queue.setState(deliveryId, 1, 'live');
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
  });

  test('and delayed or active is made again once it has been so for five seconds', async () => {
    const { deliveryId } = await insertLate(3_600_000);
    stage.queue.setState(deliveryId, 1, 'scheduled');
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
    stage.advanceRelayClock(4_999);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
    stage.advanceRelayClock(1);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 1 });
  });

  test('and active is left alone when it was waiting a moment ago', async () => {
    const { deliveryId } = await insertLate(3_600_000);
    for (const state of ['scheduled', 'live', 'scheduled'] as const) {
      stage.queue.setState(deliveryId, 1, state);
      expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
      stage.advanceRelayClock(4_000);
    }
  });

  test('is left alone while the queue cannot say', async () => {
    const { orderId } = await insertLate(10_000);
    stage.queue.isAway = true;
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
    expect(await readDelivery(orderId)).toMatchObject({ generation: 1 });
    stage.queue.isAway = false;
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 1 });
  });

  test('and is being attempted is left alone', async () => {
    const { orderId, deliveryId } = await insertLate(10_000);
    await claimDelivery(pool(), { deliveryId, generation: 1 }, 'token', 10_000);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 0 });
    expect(await readDelivery(orderId)).toMatchObject({ generation: 1, claimToken: 'token' });
  });

  test('of a retry keeps the time at which that is due', async () => {
    const { orderId, deliveryId } = await insertLate(3_000);
    await pool().query(`update deliveries set due_at = clock_timestamp() + interval '8 s' where id = $1`, [
      deliveryId,
    ]);
    await stage.relayTick();
    const { rows } = await pool().query<{ same: boolean }>(
      'select due_at = job_due_at as same from deliveries where order_id = $1',
      [orderId],
    );
    expect(rows).toEqual([{ same: true }]);
    expect((await readDelivery(orderId)).dueInMs).toBeGreaterThan(7_000);
  });

  test('is one of many: the queue is asked and given a bounded number at a time', async () => {
    const endpoint = await insertEndpoint(pool());
    for (let n = 0; n < 130; n += 1) await insertOrder(pool(), endpoint, ['queued']);
    await pool().query(`update deliveries set job_due_at = job_due_at - interval '3 s'`);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 130 });
    expect(stage.queue).toMatchObject({ mostAsked: 20, largestAdd: 20 });
    expect(new Set(stage.queue.ids()).size).toBe(130);
  });

  test('is made again also when the queue cannot say it of all of them', async () => {
    const endpoint = await insertEndpoint(pool());
    for (let n = 0; n < 50; n += 1) await insertOrder(pool(), endpoint, ['queued']);
    await pool().query(`update deliveries set job_due_at = job_due_at - interval '3 s'`);
    const { queue } = stage;
    const stateOf = queue.stateOf.bind(queue);
    let asked = 0;
    queue.stateOf = async (deliveryId, generation) => {
      asked += 1;
      if (asked > 20 && asked <= 40) throw new Error('timeout exceeded');
      return stateOf(deliveryId, generation);
    };
    const made = [];
    for (let ticks = 0; ticks < 3; ticks += 1) {
      await stage.relayTick();
      made.push(queue.jobs.length);
    }
    expect(made).toEqual([20, 30, 50]);
  });

  test('is found in turns, however many there are', async () => {
    const lateIds = [];
    for (const lateMs of [9_000, 8_000, 7_000, 6_000, 5_000]) {
      lateIds.push((await insertLate(lateMs)).deliveryId);
    }
    const first = await findLateJobs(pool(), 2_000, null, 2);
    const second = await findLateJobs(pool(), 2_000, first.at(-1) ?? null, 2);
    const third = await findLateJobs(pool(), 2_000, second.at(-1) ?? null, 2);
    expect([...first, ...second, ...third].map(({ deliveryId }) => deliveryId)).toEqual(lateIds);
    expect(third).toHaveLength(1);
    expect(first[0]?.lateMs).toBeGreaterThanOrEqual(9_000);
  });
});

describe('a claim that ran out', () => {
  async function insertAbandoned() {
    const late = await insertLate(0);
    await claimDelivery(pool(), { deliveryId: late.deliveryId, generation: 1 }, 'dead', 10_000);
    await expireClaim(pool(), late.deliveryId);
    return late;
  }

  test('is ended, and has a new job at once, whatever the queue says of the old one', async () => {
    const { orderId, deliveryId } = await insertAbandoned();
    stage.queue.setState(deliveryId, 1, 'live');
    expect(await stage.relayTick()).toEqual({
      endedClaims: 1,
      givenUp: 0,
      remadeJobs: 0,
      promoted: 0,
      probes: 0,
    });
    expect(await readDelivery(orderId)).toMatchObject({ generation: 2, claimToken: null, state: 'queued' });
    expect(stage.queue.ids()).toEqual([`${deliveryId}-2`]);
  });

  test('is in the log as any attempt is, with the request that caused the change', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const { orderId, deliveryId } = await insertAbandoned();
    await pool().query(
      `update order_transitions set request_id = 'request-1', traceparent = $2 where order_id = $1`,
      [orderId, `00-${traceId}-b7ad6b7169203331-01`],
    );
    await pool().query('update deliveries set interrupted_count = 9 where id = $1', [deliveryId]);
    expect(await stage.relayTick()).toMatchObject({ endedClaims: 1, givenUp: 1 });
    const line = {
      orderId,
      deliveryId,
      endpointId: expect.any(String),
      customerServerId: expect.any(String),
      requestId: 'request-1',
      traceId,
      version: 1,
      status: 'pending',
      previousStatus: null,
      attempt: 1,
      durationMs: expect.any(Number),
      responseStatus: null,
    };
    expect(stage.logLines).toMatchObject([
      { ...line, level: 'warn', msg: 'Attempt interrupted: its worker vanished' },
      { ...line, level: 'error', msg: 'Customer webhook failed', endReason: 'interrupted' },
    ]);
  });

  test('is not ended before it ran out', async () => {
    const { deliveryId, orderId } = await insertLate(0);
    await claimDelivery(pool(), { deliveryId, generation: 1 }, 'alive', 10_000);
    expect(await stage.relayTick()).toMatchObject({ endedClaims: 0 });
    expect(await readDelivery(orderId)).toMatchObject({ claimToken: 'alive' });
  });

  test('is ended only once the database has been calm for five seconds', async () => {
    const { orderId } = await insertAbandoned();
    let now = 0;
    const executor = createWatchedExecutor(pool(), () => now);
    const deps = { ...stage.deps, database: subject.database, queue: stage.queue };
    const tick = createRelayTick({ ...deps, executor, claimRestMs: 0 });
    for (now = 1_000; now < 5_000; now += 1_000) expect(await tick()).toMatchObject({ endedClaims: 0 });
    expect(await readDelivery(orderId)).toMatchObject({ claimToken: 'dead' });
    expect(await tick()).toMatchObject({ endedClaims: 1 });
  });

  test('is ended only once its row has been free for two seconds: an answer may have waited for it', async () => {
    const { deliveryId } = await insertAbandoned();
    let now = 0;
    const deps = { ...stage.deps, database: subject.database, queue: stage.queue };
    const executor = { ...createWatchedExecutor(pool()), isCalmFor: () => true };
    const tick = createRelayTick({ ...deps, executor, now: () => now });
    const tickAt = async (ms: number) => {
      now = ms;
      return (await tick()).endedClaims;
    };
    const holder = await pool().connect();
    try {
      expect(await tickAt(0)).toBe(0);
      await holder.query('begin');
      await holder.query('select 1 from deliveries where id = $1 for no key update', [deliveryId]);
      expect(await tickAt(1_000)).toBe(0);
      expect(await tickAt(9_000)).toBe(0);
      await holder.query('rollback');
      expect(await tickAt(10_000)).toBe(0);
      expect(await tickAt(11_999)).toBe(0);
      expect(await tickAt(12_000)).toBe(1);
    } finally {
      holder.release(true);
    }
  });

  test('is looked at before it ran out, so that it is ended as soon as it has', async () => {
    const { deliveryId } = await insertAbandoned();
    await pool().query(
      `update deliveries set claimed_until = clock_timestamp() + interval '1.9 seconds' where id = $1`,
      [deliveryId],
    );
    let now = 0;
    const deps = { ...stage.deps, database: subject.database, queue: stage.queue };
    const executor = { ...createWatchedExecutor(pool()), isCalmFor: () => true };
    const tick = createRelayTick({ ...deps, executor, now: () => now });
    expect(await tick()).toMatchObject({ endedClaims: 0 });
    await expireClaim(pool(), deliveryId);
    now = 2_000;
    expect(await tick()).toMatchObject({ endedClaims: 1 });
  });

  test('is ended also while the queue is away; its job follows', async () => {
    const { orderId, deliveryId } = await insertAbandoned();
    stage.queue.isAway = true;
    await stage.relayTick();
    expect(await readDelivery(orderId)).toMatchObject({ generation: 2, claimToken: null });
    stage.queue.isAway = false;
    await makeDueEarlier(pool(), deliveryId, 2_100);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 1 });
    expect(stage.queue.ids()).toEqual([`${deliveryId}-3`]);
  });
});

test('a committed change gets its place in the feed', async () => {
  const { orderId } = await insertOrder(pool(), await insertEndpoint(pool()), ['delivered', 'delivered']);
  await stage.relayTick();
  const { rows } = await pool().query<{ version: number }>(
    `select version from order_transitions where order_id = $1 and feed_position is not null
      order by feed_position`,
    [orderId],
  );
  expect(rows).toEqual([{ version: 1 }, { version: 2 }]);
});
