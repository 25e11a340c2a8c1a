/** What attempts leave at their endpoint, for whoever asks which one fails and since when. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { insertOrder, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import { restWindow } from '../testing/shift-time-sql.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { createEndpointHealthNotes } from './note-endpoint-health.ts';

let testDatabase: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: AttemptStage;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.drop());
beforeEach(() => {
  stage = createAttemptStage(testDatabase.database);
});

const pool = () => testDatabase.database.pool;

async function addEndpoint(options?: Parameters<AttemptStage['insertEndpoint']>[0]) {
  const endpoint = await stage.insertEndpoint(options);
  const { endpointId } = endpoint;
  return {
    endpointId,
    customerServerId: endpoint.customerServerId,
    /** Sends a first change of a new order, which is answered so. */
    async attempt(answer: AttemptResult) {
      const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
      stage.answer(answer);
      await attemptDelivery(stage.deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 });
      return orderId;
    },
    read: () => testDatabase.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } }),
  };
}

const stateLines = () => stage.logLines.filter(({ msg }) => msg === 'Webhook endpoint state changed');

/** Notes whose statements and transactions are counted, and refused when there were that many. */
function watchNotes() {
  const watched = { calls: 0, awayAfter: Infinity };
  async function call<Result>(run: () => Promise<Result>): Promise<Result> {
    watched.calls += 1;
    if (watched.calls > watched.awayAfter) throw new Error('away');
    return run();
  }
  const watchedPool = {
    connect: () => call(() => pool().connect()),
    query: (statement: pg.QueryConfig) => call(() => pool().query(statement)),
  };
  const database = { pool: watchedPool as unknown as ReturnType<typeof pool> };
  const endpointHealth = createEndpointHealthNotes({ database, logger: stage.deps.logger });
  return { watched, deps: { ...stage.deps, endpointHealth } };
}

describe('failures', () => {
  test('are counted, with since when and why', async () => {
    const { attempt, read } = await addEndpoint();
    await attempt(answered(503));
    const first = await read();
    expect(first).toMatchObject({
      consecutiveFailures: 1,
      lastFailureReason: 'rejected 503',
      lastSuccessAt: null,
    });
    expect(first.failingSince).toEqual(first.lastFailureAt);
    await attempt(TIMED_OUT);
    const second = await read();
    expect(second).toMatchObject({
      consecutiveFailures: 2,
      failingSince: first.failingSince,
      lastFailureReason: 'timed_out no_answer',
    });
    expect(second.lastFailureAt?.getTime()).toBeGreaterThanOrEqual(first.lastFailureAt?.getTime() ?? 0);
  });

  test('are final ones, too', async () => {
    const { attempt, read } = await addEndpoint();
    await attempt(answered(404));
    expect(await read()).toMatchObject({ consecutiveFailures: 1, lastFailureReason: 'rejected 404' });
  });

  test('say once that the endpoint struggles, and once that it works again', async () => {
    const { attempt, endpointId, customerServerId, read } = await addEndpoint();
    for (let n = 0; n < 5; n += 1) await attempt(answered(500));
    const { failingSince } = await read();
    await attempt(answered(200));
    await attempt(answered(200));
    const ids = { endpointId, customerServerId, actor: { type: 'worker', id: null } };
    expect(stateLines()).toMatchObject([
      { ...ids, level: 'warn', from: 'healthy', to: 'struggling', reason: 'rejected 500' },
      {
        ...ids,
        level: 'info',
        from: 'struggling',
        to: 'healthy',
        reason: `It accepts webhooks again; it failed since ${failingSince?.toISOString()}.`,
      },
    ]);
  });

  test('of fewer than three say nothing', async () => {
    const { attempt } = await addEndpoint();
    await attempt(answered(500));
    await attempt(answered(500));
    await attempt(answered(200));
    expect(stateLines()).toEqual([]);
  });
});

describe('a success', () => {
  test('ends the run of failures, and keeps the last one to look up', async () => {
    const { attempt, read } = await addEndpoint();
    await attempt(answered(503));
    const failed = await read();
    await attempt(answered(200));
    expect(await read()).toMatchObject({
      consecutiveFailures: 0,
      failingSince: null,
      lastFailureAt: failed.lastFailureAt,
      lastFailureReason: 'rejected 503',
      lastSuccessAt: expect.any(Date),
    });
  });

  test('is noted once a minute, and costs no statement otherwise', async () => {
    const endpoint = await stage.insertEndpoint();
    const read = () =>
      testDatabase.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpoint.endpointId } });
    const { watched, deps } = watchNotes();
    const succeed = async () => {
      const { deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
      await attemptDelivery(deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 });
    };
    await succeed();
    const first = await read();
    expect(first.lastSuccessAt).not.toBeNull();
    await succeed();
    await succeed();
    expect(await read()).toEqual(first);
    // Read and written.
    expect(watched.calls).toBe(2);
    await pool().query(
      `update webhook_endpoints set last_success_at = last_success_at - interval '61 seconds' where id = $1`,
      [endpoint.endpointId],
    );
    await succeed();
    expect(watched.calls).toBe(4);
    expect((await read()).lastSuccessAt?.getTime()).toBeGreaterThanOrEqual(
      first.lastSuccessAt?.getTime() ?? 0,
    );
  });
});

test('refusing the first of two shared secrets is no failure', async () => {
  const { attempt, read, endpointId, customerServerId } = await addEndpoint();
  const { secretBox } = stage.deps;
  await pool().query(`update webhook_endpoints set send_shared_secret = true where id = $1`, [endpointId]);
  await pool().query(
    `update customer_servers
        set secret_ciphertext = $2, previous_secret_ciphertext = $3, previous_secret_hash = 'old ' || $1,
            outbound_secret = 'previous', secret_overlap_until = now() + interval '1 hour' where id = $1`,
    [customerServerId, secretBox.seal('new', customerServerId), secretBox.seal('old', customerServerId)],
  );
  await attempt(answered(401));
  expect(await read()).toMatchObject({ consecutiveFailures: 0, failingSince: null });
});

test('what cannot be noted is logged, and the delivery is as it was recorded', async () => {
  const endpoint = await stage.insertEndpoint();
  const { deliveryIds, orderId } = await insertOrder(pool(), endpoint, ['queued']);
  const { watched, deps } = watchNotes();
  watched.awayAfter = 0;
  stage.answer(answered(400));
  const job = { deliveryId: deliveryIds[0] ?? '', generation: 1 };
  expect(await attemptDelivery(deps, job)).toMatchObject({ kind: 'failed' });
  expect(await readStates(pool(), orderId)).toEqual(['failed']);
  expect(stage.logLines.map(({ msg }) => msg)).toContain('Endpoint health could not be noted');
});

test('what closed an endpoint is told also when its jobs cannot be put back at once', async () => {
  const endpoint = await stage.insertEndpoint({ window: 1 });
  await restWindow(pool(), endpoint.endpointId);
  const { deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
  const burst = await insertOrder(pool(), endpoint, ['queued']);
  const { watched, deps } = watchNotes();
  watched.awayAfter = 2;
  stage.answer(TIMED_OUT);
  await attemptDelivery(deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 });
  expect(stateLines()).toMatchObject([{ from: 'healthy', to: 'broken', reason: 'timed_out no_answer' }]);
  expect(stage.logLines.map(({ msg }) => msg)).toContain('Jobs of a closed endpoint are put back one by one');
  expect(await readStates(pool(), burst.orderId)).toEqual(['queued']);
  await attemptDelivery(deps, { deliveryId: burst.deliveryIds[0] ?? '', generation: 1 });
  expect(await readStates(pool(), burst.orderId)).toEqual(['waiting']);
});

test('a deleted endpoint learns nothing any more', async () => {
  const { attempt, read, endpointId } = await addEndpoint();
  await attempt(answered(503));
  stage.answer(async () => {
    await pool().query(`update webhook_endpoints set deleted_at = now() where id = $1`, [endpointId]);
    return answered(503);
  });
  const { deliveryIds } = await insertOrder(pool(), await readEndpoint(), ['queued']);
  await attemptDelivery(stage.deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 });
  expect(await read()).toMatchObject({ consecutiveFailures: 1 });

  async function readEndpoint() {
    const { customerServerId } = await read();
    return { endpointId, customerServerId };
  }
});
