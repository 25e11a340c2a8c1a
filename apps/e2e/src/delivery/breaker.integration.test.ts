/** An endpoint that dies under load and comes back: the whole way, over both queues. */
import { findOvertakenLanes, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { endCooldown, restWindow } from '@vendor-server/worker/testing/shift-time-sql.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { reset, respond } from '../receiver/steps.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

const ORDERS = 6;
const VERSIONS = [1, 2, 3];

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('an endpoint', () => {
    let stage: DeliveryStage;
    let receiver: Receiver;

    beforeAll(async () => {
      receiver = await createReceiver();
      stage = await createDeliveryStage({ redisUrl });
    });
    afterAll(async () => {
      await receiver.close();
      await stage.close();
    });

    const pool = () => stage.database.pool;

    test('that dies and comes back gets everything in order, at a pace it can stand', {
      timeout: 40_000,
    }, async () => {
      let isDead = false;
      receiver.answer('/hook', (answering) => (isDead ? reset() : respond(200, { delayMs: 15 }))(answering));
      const { endpointId, customerServerId } = await stage.addEndpoint({
        url: receiver.url('/hook'),
        window: 1,
        retryDelaysMs: [1_000, 1_000],
      });
      const read = () =>
        stage.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } });
      const lanes = () => readLanes(stage, endpointId);
      const firstWorker = await stage.startWorker();

      isDead = true;
      await restWindow(pool(), endpointId);
      const orderIds: string[] = [];
      for (let n = 0; n < ORDERS; n += 1) orderIds.push(await stage.createOrder(customerServerId));
      for (const to of ['assigned', 'in_progress'] as const) {
        for (const orderId of orderIds) await stage.change(orderId, to);
      }
      await until(async () => expect(await read()).toMatchObject({ window: 0 }));

      // Held: probes come on top of the budgets, of one order after the other, also by a worker that starts afresh.
      await firstWorker.stop();
      await stage.startWorker();
      await until(async () => expect(await countProbedOrders(stage, endpointId)).toBeGreaterThanOrEqual(2));
      const held = await lanes();
      expect(held.map(({ states }) => states)).toEqual(
        orderIds.map(() => [expect.stringMatching(/waiting|queued/), 'blocked', 'blocked']),
      );
      expect(held.reduce((sum, { budgetUsed }) => sum + budgetUsed, 0)).toBeLessThanOrEqual(1);
      expect(await read()).toMatchObject({ window: 0, brokenSince: expect.any(Date) });

      isDead = false;
      // Unless a probe has found out already.
      await endCooldown(pool(), endpointId).catch(() => undefined);
      await until(async () => {
        expect((await lanes()).map(({ states }) => states)).toEqual(
          orderIds.map(() => VERSIONS.map(() => 'delivered')),
        );
      });
      for (const orderId of orderIds) {
        const taken = receiver.requests.filter(
          ({ answeredAt, headers }) => answeredAt !== null && headers['x-webhook-order-id'] === orderId,
        );
        expect(taken.map(({ headers }) => Number(headers['x-webhook-version']))).toEqual(VERSIONS);
      }
      expect(await findOvertakenLanes(pool())).toEqual([]);
      expect(await findStrandedLanes(pool())).toEqual([]);
      await expectGentleReturn(stage, endpointId);
      const states = stage.logLines.filter(({ msg }) => msg === 'Webhook endpoint state changed');
      expect(states.at(0)).toMatchObject({
        from: 'healthy',
        to: 'broken',
        reason: expect.stringMatching(/^connection_failed /),
      });
      expect(states.at(-1)).toMatchObject({ from: 'broken', to: 'healthy' });
    });
  });
});

async function readLanes(stage: DeliveryStage, endpointId: string) {
  const { rows } = await stage.database.pool.query<{ states: string[]; budgetUsed: number }>(
    `select array_agg(state order by order_version) as states, sum(budget_used)::int as "budgetUsed"
       from deliveries where endpoint_id = $1 group by order_id order by order_id`,
    [endpointId],
  );
  return rows;
}

async function countProbedOrders(stage: DeliveryStage, endpointId: string): Promise<number> {
  const { rows } = await stage.database.pool.query<{ orders: number }>(
    `select count(distinct d.order_id)::int as orders
       from delivery_attempts a join deliveries d on d.id = a.delivery_id
      where d.endpoint_id = $1 and a.trigger = 'probe' and a.ended_at is not null`,
    [endpointId],
  );
  return rows[0]?.orders ?? 0;
}

/** After the probe that was accepted there are never more under way than the successes so far have made room for. */
async function expectGentleReturn(stage: DeliveryStage, endpointId: string): Promise<void> {
  const { rows } = await stage.database.pool.query<{ startedAt: Date; endedAt: Date }>(
    `select a.started_at as "startedAt", a.ended_at as "endedAt"
       from delivery_attempts a join deliveries d on d.id = a.delivery_id
      where d.endpoint_id = $1 and a.outcome = 'acknowledged' order by a.started_at, a.delivery_id`,
    [endpointId],
  );
  expect(rows).toHaveLength(ORDERS * VERSIONS.length);
  const [, ...after] = rows;
  for (const [index, { startedAt }] of after.entries()) {
    const answered = after.filter(({ endedAt }) => endedAt <= startedAt).length;
    // 1, and after 1 success 2, after 2 more 4, after 4 more 8.
    const room = 2 ** Math.floor(Math.log2(answered + 1));
    expect(index + 1 - answered, `attempt ${index + 1} with ${answered} answered`).toBeLessThanOrEqual(room);
  }
}
