/** A delivery that was being sent while a newer change of its order was made, at an endpoint that wants the latest only. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import {
  emptyDatabase,
  insertOrder,
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findStandingLanes } from '../relay/relay-sql.ts';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { expireClaim } from '../testing/shift-time-sql.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { claimDelivery } from './claim-sql.ts';
import { type RecordedStep, recordAttempt } from './record-sql.ts';
import { releaseClaim } from './release-claim-sql.ts';

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

async function insertLane(
  states: readonly DeliveryState[],
  mode: 'every_step' | 'latest_only' = 'latest_only',
) {
  const endpoint = await stage.insertEndpoint({ mode });
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, states);
  return { ...endpoint, orderId, deliveryIds, deliveryId: deliveryIds[0] ?? '' };
}

async function insertClaimed(...args: Parameters<typeof insertLane>) {
  const lane = await insertLane(...args);
  await claimDelivery(pool(), { deliveryId: lane.deliveryId, generation: 1 }, 'token', 10_000);
  return { ...lane, key: { deliveryId: lane.deliveryId, attemptNumber: 1, token: 'token' } };
}

async function countSuperseded(): Promise<number> {
  const { values } = await stage.registry.getSingleMetric('vendor_server_deliveries_finished_total')!.get();
  return values.find(({ labels }) => labels['state'] === 'superseded')?.value ?? 0;
}

const RETRY: RecordedStep = { kind: 'retry', delayMs: 1_000, holdIn: 'queue' };
const LATER: RecordedStep = { kind: 'retry', delayMs: 60_000, holdIn: 'database' };
const OTHER_SECRET: RecordedStep = { kind: 'retry_with_other_secret', refusedSecretHash: 'hash' };
const DELIVERED: RecordedStep = { kind: 'delivered' };
const FAILED: RecordedStep = { kind: 'failed', reason: 'rejected' };

describe('a record', () => {
  test.each([
    ['a retry', RETRY, 'superseded', 'superseded'],
    ['a retry in a minute', LATER, 'superseded', 'superseded'],
    ['a try with the other secret', OTHER_SECRET, 'superseded', 'superseded'],
    ['a success', DELIVERED, 'delivered', null],
    ['a failure', FAILED, 'failed', 'rejected'],
  ] as const)(
    'of %s leaves it %s behind which something newer is blocked',
    async (_what, step, state, error) => {
      const { orderId, deliveryId, key } = await insertClaimed(['queued', 'blocked']);
      const status = state === 'delivered' ? 200 : 503;
      expect((await recordAttempt(pool(), key, answered(status), step)).state).toBe(state);
      const [row] = await readDeliveries(pool(), orderId);
      expect(row).toMatchObject({
        state,
        lastError: error,
        claimToken: null,
        attemptCount: 1,
        budgetUsed: step === OTHER_SECRET ? 0 : 1,
      });
      // The attempt's own row says how it ended.
      expect(await readAttempts(pool(), deliveryId)).toMatchObject([
        { responseStatus: status, endedAt: expect.any(Date) },
      ]);
    },
  );

  test.each([
    ['without a newer one', ['queued'], 'latest_only'],
    ['of an endpoint that wants every step', ['queued', 'blocked'], 'every_step'],
  ] as const)('of a retry %s leaves it to be sent again', async (_what, states, mode) => {
    const { key } = await insertClaimed(states, mode);
    expect((await recordAttempt(pool(), key, answered(503), RETRY)).state).toBe('queued');
  });
});

describe('an attempt', () => {
  async function attempt(result: AttemptResult, ...args: Parameters<typeof insertLane>) {
    const lane = await insertLane(...args);
    stage.answer(result);
    const end = await attemptDelivery(stage.deps, { deliveryId: lane.deliveryId, generation: 1 });
    await stage.deps.dispatcher.drain();
    return { ...lane, end, states: (await readStates(pool(), lane.orderId)).join(' ') };
  }

  test('that fails is not repeated when something newer is there: its job ends and the newer one goes', async () => {
    const { end, states, deliveryIds, orderId } = await attempt(TIMED_OUT, ['queued', 'blocked', 'blocked']);
    expect(end).toEqual({ kind: 'done', summary: expect.stringContaining('superseded by a newer change') });
    expect(states).toBe('superseded superseded queued');
    expect(stage.queue.jobs).toMatchObject([{ data: { deliveryId: deliveryIds[2] } }]);
    expect(await countSuperseded()).toBe(2);
    const line = stage.logLines.find(
      ({ msg }) => msg === 'Customer webhook failed, superseded by a newer change',
    );
    expect(line).toMatchObject({ orderId, attempt: 1, outcome: 'timed_out' });
  });

  test('that fails and is repeated looks at its lane, for what was changed meanwhile', async () => {
    const lane = await insertLane(['queued', 'blocked']);
    await pool().query('update deliveries set replaces_older = false where order_id = $1', [lane.orderId]);
    stage.answer(answered(503));
    // Seen by no record, because its commit comes between the record's and the look.
    const dispatch = stage.deps.dispatcher.dispatch;
    const dispatcher = {
      ...stage.deps.dispatcher,
      async dispatch(work: Parameters<typeof dispatch>[0]) {
        await pool().query('update deliveries set replaces_older = true where order_id = $1', [lane.orderId]);
        return dispatch(work);
      },
    };
    const end = await attemptDelivery(
      { ...stage.deps, dispatcher },
      { deliveryId: lane.deliveryId, generation: 1 },
    );
    expect(end).toMatchObject({ kind: 'retry' });
    expect(await readStates(pool(), lane.orderId)).toEqual(['superseded', 'queued']);
    // The job that comes back finds nothing to do.
    expect(await attemptDelivery(stage.deps, { deliveryId: lane.deliveryId, generation: 1 })).toEqual({
      kind: 'skipped',
    });
    expect(stage.sent).toHaveLength(1);
  });

  test('that succeeds is delivered, and only the newest follows', async () => {
    const { states } = await attempt(answered(200), ['queued', 'blocked', 'blocked']);
    expect(states).toBe('delivered superseded queued');
  });

  test('of an endpoint that wants every step keeps its place', async () => {
    const { end, states } = await attempt(TIMED_OUT, ['queued', 'blocked', 'blocked'], 'every_step');
    expect(end.kind).toBe('retry');
    expect(states).toBe('queued blocked blocked');
  });
});

test('a claim that is given back after a fault of ours is replaced by the look that follows', async () => {
  const { key, orderId, endpointId } = await insertClaimed(['queued', 'blocked']);
  await releaseClaim(pool(), key, 'own_fault', 30_000);
  await stage.deps.dispatcher.dispatch({ jobs: [], lanes: [{ endpointId, orderId }] });
  expect(await readStates(pool(), orderId)).toEqual(['superseded', 'queued']);
});

describe('the relay', () => {
  test('ends the claim of a lost worker and its delivery, and sends the newer one', async () => {
    const { orderId, deliveryId, deliveryIds } = await insertClaimed(['queued', 'blocked']);
    await expireClaim(pool(), deliveryId);
    expect(await stage.relayTick()).toMatchObject({ endedClaims: 1, givenUp: 0 });
    expect(await readStates(pool(), orderId)).toEqual(['superseded', 'queued']);
    expect(await readDeliveries(pool(), orderId)).toMatchObject([
      { claimToken: null, lastOutcome: 'interrupted', lastError: 'superseded', interruptedCount: 1 },
      {},
    ]);
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ outcome: 'interrupted' }]);
    expect(stage.queue.jobs).toMatchObject([{ data: { deliveryId: deliveryIds[1], generation: 1 } }]);
    expect(await countSuperseded()).toBe(1);
    expect(stage.logLines.some(({ msg }) => msg === 'Customer webhook failed')).toBe(false);
  });

  test('finds lanes whose look was lost, and none that it cannot move', async () => {
    const replaced = await insertLane(['waiting', 'blocked']);
    const everyStep = await insertLane(['waiting', 'blocked'], 'every_step');
    const claimed = await insertClaimed(['queued', 'blocked']);
    const { standing } = await findStandingLanes(pool(), { endpointId: '', orderId: '' }, 10);
    expect(standing.map(({ orderId }) => orderId)).toEqual([replaced.orderId]);
    await stage.relayTick();
    expect(await readStates(pool(), replaced.orderId)).toEqual(['superseded', 'queued']);
    expect(await readStates(pool(), everyStep.orderId)).toEqual(['queued', 'blocked']);
    expect(await readStates(pool(), claimed.orderId)).toEqual(['queued', 'blocked']);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });
});
