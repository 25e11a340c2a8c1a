/** A worker that was stopped in the middle of an attempt must not send once its lane may have moved on. */
import { createReceiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { insertOrder, readAttempts } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { createSender } from '@vendor-server/sender/create-sender.ts';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { createClaims } from './create-claims.ts';

const TIMEOUT_MS = 2_000;
/** The lease is 5 s longer than the time-out; the last moment to send is 1 s before its end. */
const LATEST_SEND_MS = TIMEOUT_MS + 4_000;

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
  const { deliveryIds } = await insertOrder(subject.database.pool, endpoint, ['queued']);
  const deliveryId = deliveryIds[0] ?? '';
  return { deliveryId, job: { deliveryId, generation: 1 } };
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

test.each([
  ['the endpoint’s time-out', 0, TIMEOUT_MS],
  ['the time-out also after a stop that leaves room for it', 3_000, 3_000 + TIMEOUT_MS],
  ['what is left until a second before the lease’s end', 5_500, LATEST_SEND_MS],
  ['nothing after a stop past that', 60_000, LATEST_SEND_MS],
])('an attempt has %s', async (_what, stoppedMs, deadlineMs) => {
  const { job } = await insertQueued();
  const startedAt = performance.now();
  await attemptDelivery({ ...stage.deps, claims: stopDuringClaim(stoppedMs) }, job);
  const [request] = stage.sent;
  const allowedMs = (request?.deadline ?? 0) - startedAt;
  expect(allowedMs).toBeGreaterThanOrEqual(deadlineMs);
  expect(allowedMs).toBeLessThan(deadlineMs + 1_400);
});

test('a worker that was stopped for longer than its lease sends not a byte', async () => {
  const receiver = await createReceiver();
  const sender = createSender({ allowedNetworks: ['127.0.0.0/8'], maxConnectionsPerOrigin: 4 });
  try {
    const { job, deliveryId } = await insertQueued(receiver.url('/hook'));
    const end = await attemptDelivery({ ...stage.deps, sender, claims: stopDuringClaim(60_000) }, job);
    expect(end).toMatchObject({ kind: 'retry', reason: 'timed_out not_sent' });
    expect(receiver.bytesReceived).toBe(0);
    expect(await readAttempts(subject.database.pool, deliveryId)).toMatchObject([{ outcome: 'timed_out' }]);
  } finally {
    await sender.close();
    await receiver.close();
  }
});
