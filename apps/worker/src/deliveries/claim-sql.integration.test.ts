import { promote } from '@vendor-server/platform/deliveries/promote.ts';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { claimDelivery } from './claim-sql.ts';
import { settleRefusal } from './refusal-sql.ts';

const TIMEOUT_MS = 10_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

/** A delivery in the queue, with its job as of generation 1. */
async function insertQueued(options: Parameters<typeof insertEndpoint>[1] = {}) {
  const endpoint = await insertEndpoint(pool(), options);
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
  const deliveryId = deliveryIds[0] ?? '';
  return { ...endpoint, orderId, deliveryId, job: { deliveryId, generation: 1 } };
}

async function readDelivery(orderId: string) {
  const [row] = await readDeliveries(pool(), orderId);
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
}

describe('a claim', () => {
  test('takes a due delivery, and the attempt is recorded as started', async () => {
    const { job, orderId, deliveryId, endpointId, customerServerId } = await insertQueued();
    expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toMatchObject({
      deliveryId,
      endpointId,
      customerServerId,
      orderId,
      orderVersion: 1,
      status: 'pending',
      previousStatus: null,
      body: JSON.stringify({ orderId, version: 1 }),
      attemptNumber: 1,
      budgetUsed: 0,
      isProbe: false,
      timeoutMs: TIMEOUT_MS,
      retryDelaysMs: null,
      previousSigningSecretCiphertext: null,
      sharedSecretCiphertext: null,
    });
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([
      { number: 1, trigger: 'first', endedAt: null, outcome: null },
    ]);
  });

  test.each([
    [null, TIMEOUT_MS + 5_000],
    [500, 5_500],
  ])('with a time-out of %s ms leases it for %i ms', async (timeoutMs, leaseMs) => {
    const { job, orderId } = await insertQueued(timeoutMs === null ? {} : { timeoutMs });
    await claimDelivery(pool(), job, 'token', TIMEOUT_MS);
    const { rows } = await pool().query<{ leaseMs: number }>(
      `select (extract(epoch from claimed_until - a.started_at) * 1000)::float8 as "leaseMs"
         from deliveries d join delivery_attempts a on a.delivery_id = d.id where order_id = $1`,
      [orderId],
    );
    // The attempt's start is cut to the millisecond, and is read a moment after the lease.
    expect(rows[0]?.leaseMs).toBeGreaterThan(leaseMs - 100);
    expect(rows[0]?.leaseMs).toBeLessThan(leaseMs + 2);
  });

  test('brings the delays of its endpoint, where it has its own', async () => {
    const own = await insertQueued({ retryDelaysMs: [100, 200] });
    expect(await claimDelivery(pool(), own.job, 'token', TIMEOUT_MS)).toMatchObject({
      retryDelaysMs: [100, 200],
    });
    const none = await insertQueued({ retryDelaysMs: [] });
    expect(await claimDelivery(pool(), none.job, 'token', TIMEOUT_MS)).toMatchObject({ retryDelaysMs: [] });
  });

  test('of what is claimed is refused until the lease ends', async () => {
    const { job, deliveryId } = await insertQueued({ timeoutMs: 500 });
    await claimDelivery(pool(), job, 'first', TIMEOUT_MS);
    expect(await claimDelivery(pool(), job, 'second', TIMEOUT_MS)).toBeNull();
    const refusal = await settleRefusal(pool(), job);
    expect(refusal).toEqual({ kind: 'not_yet', retryInMs: expect.any(Number) });
    expect(refusal.kind === 'not_yet' && refusal.retryInMs).toBeGreaterThan(5_000);
    expect(refusal.kind === 'not_yet' && refusal.retryInMs).toBeLessThanOrEqual(5_500);
    expect(await readAttempts(pool(), deliveryId)).toHaveLength(1);
  });

  test('whose lease ran out is not taken over: the relay alone ends it', async () => {
    const { job, deliveryId } = await insertQueued();
    await claimDelivery(pool(), job, 'first', TIMEOUT_MS);
    await expireClaim(pool(), deliveryId);
    expect(await claimDelivery(pool(), job, 'second', TIMEOUT_MS)).toBeNull();
    expect(await settleRefusal(pool(), job)).toEqual({ kind: 'not_yet', retryInMs: 1_000 });
  });

  test('is refused until the delivery is due', async () => {
    const { job, deliveryId } = await insertQueued();
    await makeDueEarlier(pool(), deliveryId, -4_000);
    expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toBeNull();
    const refusal = await settleRefusal(pool(), job);
    expect(refusal.kind === 'not_yet' && refusal.retryInMs).toBeGreaterThan(3_000);
    await makeDueEarlier(pool(), deliveryId, 4_000);
    expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).not.toBeNull();
  });

  test.each(['blocked', 'waiting', 'delivered', 'failed', 'superseded', 'cancelled'] as const)(
    'of what is %s finds nothing to do',
    async (state) => {
      const endpoint = await insertEndpoint(pool());
      const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, [state]);
      for (const generation of [0, 1]) {
        const job = { deliveryId: deliveryIds[0] ?? '', generation };
        expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toBeNull();
        expect(await settleRefusal(pool(), job)).toEqual({ kind: 'stale' });
      }
      expect(await readDelivery(orderId)).toMatchObject({ state, attemptCount: 0, generation: 0 });
    },
  );

  test('of another generation finds nothing to do', async () => {
    const { orderId, deliveryId } = await insertQueued();
    for (const generation of [0, 2]) {
      expect(await claimDelivery(pool(), { deliveryId, generation }, 'token', TIMEOUT_MS)).toBeNull();
      expect(await settleRefusal(pool(), { deliveryId, generation })).toEqual({ kind: 'stale' });
    }
    expect(await readDelivery(orderId)).toMatchObject({ state: 'queued', attemptCount: 0, claimToken: null });
  });
});

describe('an endpoint that closed after the delivery was queued', () => {
  test.each([{ state: 'paused' }, { state: 'disabled' }, { window: 0 }] as const)(
    'gets nothing and keeps it in its place: %j',
    async (how) => {
      const { job, orderId, endpointId, customerServerId } = await insertQueued(how);
      const later = await insertOrder(pool(), { endpointId, customerServerId }, ['waiting']);
      expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toBeNull();
      const closed = { kind: 'endpoint_closed', endpointId, orderId, isDeleted: false };
      expect(await settleRefusal(pool(), job)).toEqual(closed);
      expect(await readDelivery(orderId)).toMatchObject({
        state: 'waiting',
        attemptCount: 0,
        lastError: null,
      });

      // Reopened with room for one, it goes on with what it had taken first; the old job finds nothing.
      await pool().query(`update webhook_endpoints set state = 'active', "window" = 1 where id = $1`, [
        endpointId,
      ]);
      const { jobs } = await promote(subject.database, endpointId, []);
      expect(jobs).toMatchObject([{ orderId, generation: 2 }]);
      expect(await readStates(pool(), later.orderId)).toEqual(['waiting']);
      expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toBeNull();
      expect(await settleRefusal(pool(), job)).toEqual({ kind: 'stale' });
    },
  );

  test('and was deleted gets it cancelled', async () => {
    const { job, orderId, endpointId } = await insertQueued({ deleted: true });
    expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toBeNull();
    const closed = { kind: 'endpoint_closed', endpointId, orderId, isDeleted: true };
    expect(await settleRefusal(pool(), job)).toEqual(closed);
    expect(await readDelivery(orderId)).toMatchObject({ state: 'cancelled', lastError: 'endpoint_deleted' });
  });

  test('leaves alone what is being sent', async () => {
    const { job, orderId, endpointId } = await insertQueued();
    await claimDelivery(pool(), job, 'token', TIMEOUT_MS);
    await pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [endpointId]);
    expect(await settleRefusal(pool(), job)).toMatchObject({ kind: 'not_yet' });
    expect(await readDelivery(orderId)).toMatchObject({ state: 'queued', claimToken: 'token' });
  });

  test('by its window is still sent its probe', async () => {
    const { job, deliveryId } = await insertQueued({ window: 0 });
    await pool().query('update deliveries set is_probe = true where id = $1', [deliveryId]);
    expect(await claimDelivery(pool(), job, 'token', TIMEOUT_MS)).toMatchObject({ isProbe: true });
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ trigger: 'probe' }]);
  });
});
