/** One probe at a time, whoever else is at work on its endpoint or dies over it. */
import { cancelUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import { emptyDatabase, readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { inTransaction, interleavings, runInterleaved } from '@vendor-server/platform/testing/interleave.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
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
import { endCooldown, expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { findProbeDue, startProbes } from './probe-sql.ts';

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

  test('is none any more when a deletion is first', async () => {
    const { endpointId, states } = await start();
    expect(await cancelUnclaimed(pool(), endpointId)).toBe(1);
    expect(await states()).toEqual(['cancelled', 'waiting']);
    const { rows } = await pool().query('select 1 from deliveries where is_probe');
    expect(rows).toEqual([]);
  });

  test.each([
    ['answered', answered(200)],
    ['answered 410', answered(410)],
    ['put off for an hour', answered(503, '3600')],
    ['not answered', TIMED_OUT],
  ])(
    'that is %s at a URL which was changed leaves the try at once to the new one',
    async (_title, result) => {
      const { job, endpointId, deliveryIds, read } = await start();
      let changed: Awaited<ReturnType<typeof read>> | undefined;
      stage.answer(async () => {
        // As the API does it.
        await change(endpointId, `url = 'http://127.0.0.1:9/new', next_probe_at = clock_timestamp()`);
        changed = await read();
        return result;
      });
      await attemptDelivery(stage.deps, job);
      expect(await read()).toEqual(changed);
      expect(await stage.relayTick()).toMatchObject({ probes: 1 });
      await attemptDelivery(stage.deps, stage.queue.take());
      expect(stage.sent[1]).toMatchObject({ url: 'http://127.0.0.1:9/new' });
      expect(await readAttempts(pool(), deliveryIds[1] ?? '')).toMatchObject([{ trigger: 'probe' }]);
      expect(await read()).toMatchObject({ window: 1 });
    },
  );

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
