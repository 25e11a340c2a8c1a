/** What attempts show of an endpoint that is gone for good: it is disabled, and keeps what it was to be sent. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import {
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { type Answer, type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';

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

async function addEndpoint() {
  const endpoint = await stage.insertEndpoint();
  const { endpointId } = endpoint;
  const insert = (...states: Parameters<typeof insertOrder>[2]) => insertOrder(pool(), endpoint, states);
  /** Sends the first delivery of an order, which is answered so. */
  async function send(deliveryId: string | undefined, answer: Answer | AttemptResult) {
    stage.answer(answer);
    await attemptDelivery(stage.deps, { deliveryId: deliveryId ?? '', generation: 1 });
  }
  return {
    endpointId,
    insert,
    send,
    /** Of a new order. */
    async attempt(answer: AttemptResult) {
      const { orderId, deliveryIds } = await insert('queued');
      await send(deliveryIds[0], answer);
      return orderId;
    },
    read: () => testDatabase.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } }),
    change: (set: string) => pool().query(`update webhook_endpoints set ${set} where id = $1`, [endpointId]),
    lines: () =>
      stage.logLines.filter(
        (line) => line['endpointId'] === endpointId && line['msg'] === 'Webhook endpoint state changed',
      ),
  };
}

describe('410 for a third order', () => {
  test('disables the endpoint, says so once, and puts back what nobody sends yet', async () => {
    const { attempt, insert, read, lines, endpointId } = await addEndpoint();
    await attempt(answered(410));
    await attempt(answered(410));
    expect(await read()).toMatchObject({
      state: 'active',
      goneOrderIds: [expect.any(String), expect.any(String)],
    });
    const queued = await insert('queued', 'blocked');
    const waiting = await insert('waiting');
    const orderId = await attempt(answered(410));
    const reason = 'It answered 410 Gone for 3 orders, and accepted nothing in between.';
    const disabled = await read();
    expect(disabled).toMatchObject({ state: 'disabled', stateReason: reason });
    expect(disabled.stateChangedAt).toEqual(disabled.lastFailureAt);
    expect(disabled.updatedAt.getTime()).toBeGreaterThanOrEqual(disabled.stateChangedAt.getTime());
    expect(await readStates(pool(), orderId)).toEqual(['failed']);
    expect(await readStates(pool(), queued.orderId)).toEqual(['waiting', 'blocked']);
    expect(await readStates(pool(), waiting.orderId)).toEqual(['waiting']);
    expect(lines().filter(({ to }) => to === 'disabled')).toMatchObject([
      {
        level: 'warn',
        endpointId,
        from: 'healthy',
        reason,
        until: null,
        actor: { type: 'worker', id: null },
      },
    ]);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test('is not one for an order that had it before, nor after a success', async () => {
    const { attempt, insert, send, read } = await addEndpoint();
    const { deliveryIds } = await insert('queued', 'blocked');
    await send(deliveryIds[0], answered(410));
    await send(deliveryIds[1], answered(410));
    await attempt(answered(410));
    expect((await read()).goneOrderIds).toHaveLength(2);
    await attempt(answered(200));
    expect(await read()).toMatchObject({ state: 'active', goneOrderIds: [] });
    await attempt(answered(410));
    await attempt(answered(410));
    expect((await read()).state).toBe('active');
    await attempt(answered(410));
    expect((await read()).state).toBe('disabled');
  });

  test('that was on its way when the endpoint was paused leaves it paused', async () => {
    const { insert, send, read, change } = await addEndpoint();
    await change(`gone_order_ids = '{a,b}'`);
    const { deliveryIds } = await insert('queued');
    const stateReason = 'Paused by its customer server.';
    await send(deliveryIds[0], async () => {
      await change(`state = 'paused', state_reason = '${stateReason}'`);
      return answered(410);
    });
    expect(await read()).toMatchObject({ state: 'paused', stateReason });
  });
});

describe('five days without a success', () => {
  test('disable with the next failure', async () => {
    const { attempt, read, change, lines } = await addEndpoint();
    await change(`consecutive_failures = 30, failing_since = now() - interval '5 days 1 second',
                  state_changed_at = now() - interval '9 days'`);
    await attempt(TIMED_OUT);
    expect(await read()).toMatchObject({
      state: 'disabled',
      stateReason: expect.stringMatching(/^It accepted nothing for 5 days: 31 attempts failed since .*Z\.$/),
      consecutiveFailures: 31,
    });
    expect(lines()).toMatchObject([{ from: 'struggling', to: 'disabled', actor: { type: 'worker' } }]);
  });

  test('are ended by a success', async () => {
    const { attempt, read, change } = await addEndpoint();
    await change(`consecutive_failures = 30, failing_since = now() - interval '6 days',
                  state_changed_at = now() - interval '9 days'`);
    await attempt(answered(200));
    expect(await read()).toMatchObject({ state: 'active', failingSince: null });
  });
});

test('many that learn it at once disable it once', async () => {
  const { insert, send, read, lines } = await addEndpoint();
  const orders = await Promise.all(Array.from({ length: 8 }, () => insert('queued')));
  const { promise: all, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const answers = orders.map(({ deliveryIds }) =>
    send(deliveryIds[0], async () => {
      begun += 1;
      if (begun === orders.length) resolve();
      await all;
      return answered(410);
    }),
  );
  await Promise.all(answers);
  expect(await read()).toMatchObject({ state: 'disabled', consecutiveFailures: 8 });
  expect(lines().filter(({ to }) => to === 'disabled')).toHaveLength(1);
  for (const { orderId } of orders) {
    expect(await readDeliveries(pool(), orderId)).toMatchObject([{ state: 'failed', attemptCount: 1 }]);
  }
});
