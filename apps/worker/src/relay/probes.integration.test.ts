/** How a broken endpoint is tried, by relay and worker together, on top of every budget, and how it comes back. */
import { emptyDatabase, readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findOverfilledEndpoints, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attemptDelivery } from '../deliveries/attempt-delivery.ts';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import {
  createProbeStage,
  type ProbeStage,
  readDueAtText,
  readFirstDelivery,
} from '../testing/probe-stage.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: AttemptStage;
let addBroken: ProbeStage['addBroken'];

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
  ({ addBroken } = createProbeStage(subject.database, stage));
});

const pool = () => subject.database.pool;
const readDelivery = (orderId: string | undefined) => readFirstDelivery(pool(), orderId);
const readDueAt = (deliveryId: string | undefined) => readDueAtText(pool(), deliveryId);

describe('a probe that fails', () => {
  test('costs its delivery nothing, and the cool-down is doubled up to 15 seconds', async () => {
    const { orderIds, deliveryIds, probe, read } = await addBroken(1);
    await pool().query('update deliveries set budget_used = 3 where id = $1', [deliveryIds[0]]);
    const due = await readDueAt(deliveryIds[0]);
    const cooldowns: (number | null)[] = [];
    for (const result of [TIMED_OUT, answered(500), answered(408), answered(429), TIMED_OUT]) {
      await probe(result);
      const { probeCooldownMs, nextProbeAt, lastFailureAt } = await read();
      cooldowns.push(probeCooldownMs);
      const waitMs = (nextProbeAt?.getTime() ?? 0) - (lastFailureAt?.getTime() ?? 0);
      expect(waitMs).toBeGreaterThanOrEqual((probeCooldownMs ?? 0) * 0.8);
      expect(waitMs).toBeLessThanOrEqual((probeCooldownMs ?? 0) * 1.2);
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
          set secret_ciphertext = $2, previous_secret_ciphertext = $3, previous_secret_hash = 'old ' || $1,
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
