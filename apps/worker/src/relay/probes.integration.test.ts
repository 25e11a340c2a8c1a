/** How a broken endpoint is tried, by relay and worker together: one probe at a time, on top of every budget. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import {
  type EndpointOptions,
  emptyDatabase,
  insertOrder,
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { inTransaction, interleavings, runInterleaved } from '@vendor-server/platform/testing/interleave.ts';
import { findOverfilledEndpoints, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attemptDelivery } from '../deliveries/attempt-delivery.ts';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import { endCooldown, expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { findProbeDue, startProbes } from './probe-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: AttemptStage;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
});

const pool = () => subject.database.pool;

/** A broken endpoint with so many orders that wait for it, the oldest first. */
async function addBroken(orders: number, options: EndpointOptions = {}) {
  const endpoint = await stage.insertEndpoint({ window: 0, ...options });
  const { endpointId } = endpoint;
  const orderIds: string[] = [];
  const deliveryIds: string[] = [];
  for (let n = 0; n < orders; n += 1) {
    const order = await insertOrder(pool(), endpoint, ['waiting']);
    await makeDueEarlier(pool(), order.deliveryIds[0] ?? '', (orders - n) * 1_000);
    orderIds.push(order.orderId);
    deliveryIds.push(order.deliveryIds[0] ?? '');
  }

  /** The cool-down is over: the delivery that the relay tries then. */
  async function probe(result: AttemptResult): Promise<string> {
    await endCooldown(pool(), endpointId);
    expect(await stage.relayTick()).toMatchObject({ probes: 1 });
    stage.answer(result);
    const job = stage.queue.take();
    await attemptDelivery(stage.deps, job);
    return job.deliveryId;
  }

  return {
    ...endpoint,
    orderIds,
    deliveryIds,
    probe,
    states: async () => (await Promise.all(orderIds.map((id) => readStates(pool(), id)))).flat(),
    read: () => subject.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } }),
  };
}

const readDelivery = async (orderId: string | undefined) => {
  const [row] = await readDeliveries(pool(), orderId ?? '');
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
};

describe('a probe that fails', () => {
  test('costs its delivery nothing, and the cool-down is doubled up to 15 seconds', async () => {
    const { orderIds, deliveryIds, probe, read } = await addBroken(1);
    await pool().query('update deliveries set budget_used = 3 where id = $1', [deliveryIds[0]]);
    const due = await readDueAt(deliveryIds[0]);
    const cooldowns: (number | null)[] = [];
    for (const result of [TIMED_OUT, answered(500), answered(408), answered(429), TIMED_OUT]) {
      await probe(result);
      const { probeCooldownMs, nextProbeAt } = await read();
      cooldowns.push(probeCooldownMs);
      const waitMs = (nextProbeAt?.getTime() ?? 0) - Date.now();
      expect(waitMs).toBeLessThanOrEqual((probeCooldownMs ?? 0) * 1.2);
      expect(await stage.relayTick()).toMatchObject({ probes: 0 });
    }
    expect(cooldowns).toEqual([2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(await readDelivery(orderIds[0])).toMatchObject({
      state: 'waiting',
      budgetUsed: 3,
      attemptCount: 5,
    });
    expect(await readDueAt(deliveryIds[0])).toEqual(due);
    const attempts = await readAttempts(pool(), deliveryIds[0] ?? '');
    expect(attempts.map(({ trigger }) => trigger)).toEqual(Array.from({ length: 5 }, () => 'probe'));
    expect(await read()).toMatchObject({ window: 0, consecutiveFailures: 5 });
  });

  test('is followed by one of the next order, so that none takes all of them', async () => {
    const { deliveryIds, probe } = await addBroken(3);
    const tried = [];
    for (let n = 0; n < 5; n += 1) tried.push(await probe(answered(500)));
    expect(tried).toEqual([...deliveryIds, ...deliveryIds.slice(0, 2)]);
  });

  test('may ask for a longer wait, which is the endpoint’s and not the delivery’s', async () => {
    const { deliveryIds, probe, read } = await addBroken(1);
    const due = await readDueAt(deliveryIds[0]);
    await probe(answered(503, '60'));
    const waitMs = ((await read()).nextProbeAt?.getTime() ?? 0) - Date.now();
    expect(waitMs).toBeGreaterThan(55_000);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    await probe(answered(429, '999999'));
    const cappedMs = ((await read()).nextProbeAt?.getTime() ?? 0) - Date.now();
    expect(cappedMs).toBeLessThanOrEqual(3_600_000);
    expect(cappedMs).toBeGreaterThan(3_500_000);
    expect(await readDueAt(deliveryIds[0])).toEqual(due);
  });

  test('ends nothing when the delivery has no retry left by now', async () => {
    const { deliveryIds, orderIds, probe } = await addBroken(1, { retryDelaysMs: [] });
    await pool().query('update deliveries set budget_used = 3 where id = $1', [deliveryIds[0]]);
    await probe(TIMED_OUT);
    expect(await readDelivery(orderIds[0])).toMatchObject({ state: 'waiting', budgetUsed: 3 });
  });
});

async function readDueAt(deliveryId: string | undefined) {
  const { rows } = await pool().query<{ dueAt: string }>(
    'select due_at::text as "dueAt" from deliveries where id = $1',
    [deliveryId],
  );
  return rows[0]?.dueAt;
}

describe('a probe that is answered', () => {
  test.each([
    [204, 'delivered'],
    [301, 'failed'],
    [404, 'failed'],
    [410, 'failed'],
    [425, 'failed'],
  ])('with %i opens the endpoint, and the next one goes', async (status, state) => {
    const { probe, read, states } = await addBroken(4);
    await probe(answered(status));
    expect(await read()).toMatchObject({ window: 1, brokenSince: null, nextProbeAt: null, probedId: null });
    expect(await states()).toEqual([state, 'queued', 'waiting', 'waiting']);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test('is the last attempt that was allowed, and delivers', async () => {
    const { deliveryIds, orderIds, probe } = await addBroken(1);
    await pool().query('update deliveries set budget_used = 3 where id = $1', [deliveryIds[0]]);
    await probe(TIMED_OUT);
    await probe(answered(200));
    expect(await readDelivery(orderIds[0])).toMatchObject({ state: 'delivered', budgetUsed: 3 });
  });

  test('with success brings them back at a pace of 1, 2, 4, each lane in its order', async () => {
    const { probe, read } = await addBroken(20);
    await probe(answered(200));
    const paces: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      paces.push(stage.queue.jobs.length);
      await attemptDelivery(stage.deps, stage.queue.take());
      expect(await findOverfilledEndpoints(pool())).toEqual([]);
    }
    // One under way until it is answered, then two until both are, then four.
    expect(paces).toEqual([1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8]);
    expect(await read()).toMatchObject({ window: 8 });
  });

  test('with a refusal of the first of two secrets opens it, and the other one is tried at once', async () => {
    const { customerServerId, orderIds, probe, read } = await addBroken(1);
    const { secretBox } = stage.deps;
    await pool().query('update webhook_endpoints set send_shared_secret = true');
    await pool().query(
      `update customer_servers
          set secret_ciphertext = $2, previous_secret_ciphertext = $3, previous_secret_hash = $1,
              outbound_secret = 'previous', secret_overlap_until = now() + interval '1 hour' where id = $1`,
      [customerServerId, secretBox.seal('new', customerServerId), secretBox.seal('old', customerServerId)],
    );
    await probe(answered(401));
    expect(await read()).toMatchObject({ window: 1, consecutiveFailures: 0 });
    stage.answer(answered(200));
    await attemptDelivery(stage.deps, stage.queue.take());
    expect(await readDelivery(orderIds[0])).toMatchObject({ state: 'delivered', budgetUsed: 1 });
  });

  test('by an address that webhooks may not reach opens nothing', async () => {
    const { probe, read, states } = await addBroken(2);
    await probe({ ...TIMED_OUT, outcome: 'blocked_address', reason: 'blocked_address' });
    expect(await read()).toMatchObject({ window: 0, probeCooldownMs: 2_000 });
    expect(await states()).toEqual(['failed', 'waiting']);
  });
});

describe('there is no probe', () => {
  test.each([
    ['a paused endpoint', { state: 'paused' }],
    ['a disabled endpoint', { state: 'disabled' }],
    ['a deleted endpoint', { deleted: true }],
  ] as const)('of %s', async (_title, options) => {
    const { endpointId } = await addBroken(1, options);
    await endCooldown(pool(), endpointId);
    expect(await stage.relayTick()).toMatchObject({ probes: 0 });
  });

  test('before the cool-down is over, nor without anything that is due, and then at once', async () => {
    const { endpointId, deliveryIds } = await addBroken(1);
    expect(await stage.relayTick()).toMatchObject({ probes: 0 });
    await endCooldown(pool(), endpointId);
    await makeDueEarlier(pool(), deliveryIds[0] ?? '', -60_000);
    expect(await stage.relayTick()).toMatchObject({ probes: 0 });
    await makeDueEarlier(pool(), deliveryIds[0] ?? '', 60_000);
    expect(await stage.relayTick()).toMatchObject({ probes: 1 });
  });

  test('while one is under way', async () => {
    const { endpointId, states } = await addBroken(3);
    await endCooldown(pool(), endpointId);
    await stage.relayTick();
    await endCooldown(pool(), endpointId);
    expect(await stage.relayTick()).toMatchObject({ probes: 0 });
    expect(await states()).toEqual(['queued', 'waiting', 'waiting']);
  });

  test('twice by two relays at once', async () => {
    const createParty = await createStage(subject.url);
    const relays = [await createParty('one'), await createParty('other')];
    for (const turns of interleavings([3, 3])) {
      const { endpointId, states } = await addBroken(3);
      await endCooldown(pool(), endpointId);
      let started = 0;
      await runInterleaved(
        relays.map((relay) =>
          inTransaction(relay, async () => {
            started += (await startProbes(relay.client, [endpointId])).length;
          }),
        ),
        turns,
      );
      expect(started).toBe(1);
      expect(await states()).toEqual(['queued', 'waiting', 'waiting']);
    }
  });

  test('that keeps those of many others from their turn', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { endpointId } = await addBroken(n === 4 ? 1 : 0);
      await endCooldown(pool(), endpointId);
      ids.push(endpointId);
    }
    const first = await findProbeDue(pool(), null, 3);
    const second = await findProbeDue(pool(), first.at(-1) ?? null, 3);
    expect([...first, ...second].map(({ endpointId }) => endpointId)).toEqual(ids);
    expect(second.map(({ isDue }) => isDue)).toEqual([false, true]);
  });
});

describe('a probe under way', () => {
  /** Started, with its job in the test's hands. */
  async function start() {
    const broken = await addBroken(2);
    await endCooldown(pool(), broken.endpointId);
    await stage.relayTick();
    return { ...broken, job: stage.queue.take() };
  }
  const change = (endpointId: string, set: string) =>
    pool().query(`update webhook_endpoints set ${set} where id = $1`, [endpointId]);

  test('whose worker dies is made again, and counts for nothing', async () => {
    const { job, orderIds, read } = await start();
    stage.answer(async () => {
      await expireClaim(pool(), job.deliveryId);
      expect(await stage.relayTick()).toMatchObject({ endedClaims: 1, probes: 0 });
      return TIMED_OUT;
    });
    await attemptDelivery(stage.deps, job);
    stage.answer(answered(200));
    await attemptDelivery(stage.deps, stage.queue.take());
    expect(await readDelivery(orderIds[0])).toMatchObject({ state: 'delivered', attemptCount: 2 });
    expect(await read()).toMatchObject({ window: 1 });
  });

  test('whose job is lost is made again', async () => {
    const { job, orderIds } = await start();
    await makeDueEarlier(pool(), job.deliveryId, 3_000);
    expect(await stage.relayTick()).toMatchObject({ remadeJobs: 1 });
    stage.answer(answered(200));
    await attemptDelivery(stage.deps, stage.queue.take());
    expect(await readDelivery(orderIds[0])).toMatchObject({ state: 'delivered' });
  });

  test('that meets a pause is put back as what it was', async () => {
    const { job, endpointId, orderIds } = await start();
    await change(endpointId, `state = 'paused'`);
    expect(await attemptDelivery(stage.deps, job)).toEqual({ kind: 'skipped' });
    expect(stage.sent).toEqual([]);
    const { rows } = await pool().query('select 1 from deliveries where is_probe');
    expect(rows).toEqual([]);
    expect(await readDelivery(orderIds[0])).toMatchObject({ state: 'waiting', generation: 1 });
    // Resumed, it is broken still, and probed.
    await change(endpointId, `state = 'active'`);
    await endCooldown(pool(), endpointId);
    expect(await stage.relayTick()).toMatchObject({ probes: 1 });
  });

  test('that meets a deletion is cancelled', async () => {
    const { job, endpointId, states } = await start();
    await change(endpointId, 'deleted_at = now()');
    expect(await attemptDelivery(stage.deps, job)).toEqual({ kind: 'skipped' });
    expect(await states()).toEqual(['cancelled', 'cancelled']);
  });

  test('that fails after the endpoint was enabled anew does not close it again', async () => {
    const { job, endpointId, states, read } = await start();
    stage.answer(async () => {
      await change(
        endpointId,
        `"window" = 1, window_changed_at = clock_timestamp(), broken_since = null, next_probe_at = null`,
      );
      return TIMED_OUT;
    });
    await attemptDelivery(stage.deps, job);
    expect(await read()).toMatchObject({ window: 1, nextProbeAt: null });
    // It waited on, and is the next to go; no probe any more.
    expect(await states()).toEqual(['queued', 'waiting']);
    stage.answer(answered(503));
    await attemptDelivery(stage.deps, stage.queue.take());
    const attempts = await readAttempts(pool(), job.deliveryId);
    expect(attempts.map(({ trigger }) => trigger)).toEqual(['probe', 'first']);
  });

  test('that meets a fault of ours is none any more, and as due as it was', async () => {
    const { job, deliveryIds, endpointId } = await start();
    const due = await readDueAt(deliveryIds[0]);
    stage.answer(() => Promise.reject(new Error('a mistake')));
    await attemptDelivery(stage.deps, job);
    const { rows } = await pool().query('select 1 from deliveries where is_probe');
    expect(rows).toEqual([]);
    expect(await readDueAt(deliveryIds[0])).toBe(due);
    await endCooldown(pool(), endpointId);
    expect(await stage.relayTick()).toMatchObject({ probes: 1 });
  });
});
