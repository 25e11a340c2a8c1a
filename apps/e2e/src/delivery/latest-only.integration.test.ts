/** A receiver that is slow and fails at random, as two endpoints: one is told of every step, one of the latest only. */
import { readDeliveries, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import {
  findLanesWithoutNewest,
  findLanesWithTwoHeads,
  findOvertakenLanes,
  findStrandedLanes,
  findUnreplacedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { reset, respond, type Step } from '../receiver/steps.ts';
import { createGate } from '../system/create-gate.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

const ORDERS = 6;
const MAX_DELAY_MS = 30;

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)(
    'an endpoint that wants the latest only',
    { concurrent: false },
    () => {
      let stage: DeliveryStage;
      let receiver: Receiver;
      let paths = 0;

      beforeAll(async () => {
        receiver = await createReceiver();
        stage = await createDeliveryStage({ redisUrl, retryDelaysMs: [100, 100] });
        await Promise.all([stage.startWorker(), stage.startWorker()]);
      });
      afterAll(async () => {
        await receiver.close();
        const { pool } = stage.database;
        for (const find of [
          findLanesWithTwoHeads,
          findOvertakenLanes,
          findStrandedLanes,
          findUnreplacedLanes,
          findLanesWithoutNewest,
        ])
          expect(await find(pool)).toEqual([]);
        await stage.close();
      });

      async function addEndpoint(mode: 'every_step' | 'latest_only', step: Step, customerServerId?: string) {
        paths += 1;
        const path = `/latest-${paths}`;
        receiver.answer(path, step);
        const endpoint = await stage.addEndpoint({
          url: receiver.url(path),
          mode,
          ...(customerServerId === undefined ? {} : { customerServerId }),
        });
        const versionsOf = (orderId: string) =>
          receiver.requests
            .filter((request) => request.path === path && request.header('x-webhook-order-id') === orderId)
            .map((request) => Number(request.header('x-webhook-version')));
        return { ...endpoint, path, versionsOf };
      }

      test('is told of the newest once it has answered, and of none between', async () => {
        const gate = createGate();
        const endpoint = await addEndpoint('latest_only', gate.before(respond(503)));
        const orderId = await stage.createOrder(endpoint.customerServerId);
        await receiver.waitFor(({ path }) => path === endpoint.path);
        for (const to of ['assigned', 'in_progress', 'completed'] as const) await stage.change(orderId, to);
        await until(async () =>
          expect(await readStates(stage.database.pool, orderId)).toEqual([
            'queued',
            'superseded',
            'superseded',
            'blocked',
          ]),
        );
        receiver.answer(
          ({ path, header }) => path === endpoint.path && header('x-webhook-version') === '4',
          respond(200),
        );
        gate.open();
        await until(async () =>
          expect(await readDeliveries(stage.database.pool, orderId)).toMatchObject([
            { state: 'superseded', attemptCount: 1, lastError: 'superseded' },
            { state: 'superseded', attemptCount: 0 },
            { state: 'superseded', attemptCount: 0 },
            { state: 'delivered', attemptCount: 1 },
          ]),
        );
        expect(endpoint.versionsOf(orderId)).toEqual([1, 4]);
      });

      test('ends with the newest of every order, in rising versions, whatever it answers; another one gets all', async () => {
        const answers = fc.sample(
          fc.tuple(fc.constantFrom(200, 200, 503, 429, 400, 0), fc.nat(MAX_DELAY_MS)),
          500,
        );
        let answered = 0;
        const atRandom: Step = (answering) => {
          const [status, delayMs] = answers[(answered += 1) % answers.length]!;
          return status === 0 ? reset()(answering) : respond(status, { delayMs })(answering);
        };
        const latest = await addEndpoint('latest_only', atRandom);
        const every = await addEndpoint('every_step', respond(200), latest.customerServerId);
        const plans = fc.sample(
          fc.array(fc.constantFrom('assigned', 'in_progress', 'pending'), { minLength: 4, maxLength: 9 }),
          ORDERS,
        );
        const ends = await Promise.all(
          plans.map(async (plan) => {
            const orderId = await stage.createOrder(latest.customerServerId);
            for (const to of plan) await stage.change(orderId, to);
            await stage.change(orderId, 'completed');
            const { rows } = await stage.database.pool.query<{ version: number }>(
              'select version from orders where id = $1',
              [orderId],
            );
            return { orderId, newest: rows[0]!.version };
          }),
        );
        await until(async () => {
          for (const { orderId } of ends)
            expect((await readStates(stage.database.pool, orderId)).join(' ')).not.toMatch(
              /blocked|waiting|queued/,
            );
        });
        for (const { orderId, newest } of ends) {
          const told = latest.versionsOf(orderId);
          expect(told.at(-1)).toBe(newest);
          expect(told).toEqual(told.toSorted((a, b) => a - b));
          expect(every.versionsOf(orderId)).toEqual(Array.from({ length: newest }, (_, index) => index + 1));
        }
        const { rows } = await stage.database.pool.query<{ endpointId: string }>(
          `select distinct endpoint_id as "endpointId" from deliveries where state = 'superseded' and endpoint_id = any ($1)`,
          [[latest.endpointId, every.endpointId]],
        );
        expect(rows).toEqual([{ endpointId: latest.endpointId }]);
      });
    },
  );
});
