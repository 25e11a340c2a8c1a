/** A worker that was stopped in the middle of an attempt must not send once its lane may have moved on. */
import { createReceiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import {
  insertOrder,
  readAttempts,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { createSender } from '@vendor-server/sender/create-sender.ts';
import { BODY_TIME_MS } from '@vendor-server/sender/exchange.ts';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { LEASE_MARGIN_MS } from './claim-sql.ts';
import { type Claims, createClaims } from './create-claims.ts';

const TIMEOUT_MS = 2_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createAttemptStage>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => {
  stage = createAttemptStage(subject.database);
});

async function insertQueued(url = 'http://127.0.0.1:9/hook') {
  const endpoint = await stage.insertEndpoint({ url, timeoutMs: TIMEOUT_MS });
  const { orderId, deliveryIds } = await insertOrder(subject.database.pool, endpoint, ['queued']);
  const deliveryId = deliveryIds[0] ?? '';
  return { orderId, deliveryId, job: { deliveryId, generation: 1 } };
}

/** The claim's answer reaches a worker that was stopped for so long meanwhile. */
function stopDuringClaim(stoppedMs: number) {
  const { executor } = stage.deps;
  const realNow = performance.now.bind(performance);
  let isFirst = true;
  const stopping = {
    ...executor,
    async query(statement: never) {
      const result = await executor.query(statement);
      if (isFirst) {
        isFirst = false;
        vi.spyOn(performance, 'now').mockImplementation(() => realNow() + stoppedMs);
        onTestFinished(() => void vi.restoreAllMocks());
      }
      return result;
    },
  };
  return createClaims(stopping, 10_000);
}

/** A claim that took so long, exactly, by a clock that stands still until it is moved. */
function claimIn(tookMs: number) {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(Math.ceil(performance.now()));
  onTestFinished(() => void vi.restoreAllMocks());
  const { claims } = stage.deps;
  const claim: Claims['claim'] = async (...asked) => {
    const claimed = await claims.claim(...asked);
    return claimed === null ? null : { ...claimed, askedAt: performance.now() - tookMs };
  };
  return {
    claims: { ...claims, claim },
    moveClock: (ms: number) => clock.mockReturnValue(performance.now() + ms),
  };
}

/** From the deadline to the end of the lease: the rest of an answer, and a second to record it. */
const AFTER_DEADLINE_MS = BODY_TIME_MS + 1_000;

test('the slowest claim that counts leaves room for the whole time-out, the rest of an answer and its record', async () => {
  const { job } = await insertQueued();
  const slowestMs = LEASE_MARGIN_MS - AFTER_DEADLINE_MS;
  await attemptDelivery({ ...stage.deps, claims: claimIn(slowestMs).claims }, job);
  expect(stage.sent).toMatchObject([{ deadline: performance.now() + TIMEOUT_MS }]);
});

test('a claim that took any longer is given back', async () => {
  const { job } = await insertQueued();
  const tookMs = LEASE_MARGIN_MS - AFTER_DEADLINE_MS + 0.001;
  const end = await attemptDelivery({ ...stage.deps, claims: claimIn(tookMs).claims }, job);
  expect(end).toEqual({ kind: 'skipped' });
  expect(stage.sent).toEqual([]);
});

test('a stop right before the request is sent moves its deadline no further than that', async () => {
  const { job } = await insertQueued();
  const { claims, moveClock } = claimIn(0);
  const leaseEndsAt = performance.now() + TIMEOUT_MS + LEASE_MARGIN_MS;
  const { secretBox } = stage.deps;
  const stopping = {
    ...secretBox,
    open(...sealed: Parameters<typeof secretBox.open>) {
      moveClock(LEASE_MARGIN_MS);
      return secretBox.open(...sealed);
    },
  };
  await attemptDelivery({ ...stage.deps, claims, secretBox: stopping }, job);
  expect(stage.sent).toMatchObject([{ deadline: leaseEndsAt - AFTER_DEADLINE_MS }]);
});

test.each([
  ['the endpoint’s time-out', 0, TIMEOUT_MS],
  ['the time-out also after a stop that leaves room for it', 1_000, 1_000 + TIMEOUT_MS],
])('an attempt has %s', async (_what, stoppedMs, deadlineMs) => {
  const { job } = await insertQueued();
  const startedAt = performance.now();
  await attemptDelivery({ ...stage.deps, claims: stopDuringClaim(stoppedMs) }, job);
  const [request] = stage.sent;
  const allowedMs = (request?.deadline ?? 0) - startedAt;
  expect(allowedMs).toBeGreaterThanOrEqual(deadlineMs);
  expect(allowedMs).toBeLessThan(deadlineMs + 1_400);
});

test.each([
  ['so long that less than the time-out fits into its lease', 2_500],
  ['longer than its lease', 60_000],
])(
  'a worker that was stopped for %s sends not a byte, and the endpoint pays nothing for it',
  async (_what, stoppedMs) => {
    const receiver = await createReceiver();
    const sender = createSender({ allowedNetworks: ['127.0.0.0/8'], maxConnectionsPerOrigin: 4 });
    try {
      const { job, orderId, deliveryId } = await insertQueued(receiver.url('/hook'));
      const end = await attemptDelivery({ ...stage.deps, sender, claims: stopDuringClaim(stoppedMs) }, job);
      expect(end).toEqual({ kind: 'skipped' });
      expect(receiver.bytesReceived).toBe(0);
      const [row] = await readDeliveries(subject.database.pool, orderId);
      expect(row).toMatchObject({ state: 'waiting', claimToken: null, budgetUsed: 0, interruptedCount: 0 });
      expect(row?.dueInMs).toBeLessThan(1_500);
      expect(await readAttempts(subject.database.pool, deliveryId)).toMatchObject([
        { outcome: 'interrupted', error: expect.stringContaining('took too long') },
      ]);
      const metrics = parseExposition(await stage.registry.metrics());
      expect(metrics.valueOf('vendor_server_delivery_late_claims_total')).toBe(1);
      expect(metrics.valueOf('vendor_server_delivery_own_faults_total')).toBe(0);
      expect(stage.logLines).toMatchObject([
        {
          level: 'warn',
          msg: 'Webhook was not sent: its claim took too long',
          deliveryId,
          orderId,
          attempt: 1,
        },
      ]);
    } finally {
      await sender.close();
      await receiver.close();
    }
  },
);
