/** A replay that is cut off by the death of the worker that does it, and goes on where it was. */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { describe, expect, test, vi } from 'vitest';
import { createReceiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, changeEndpoint } from './system/add-customer-server.ts';
import { createSystem } from './system/create-system.ts';
import { createOrder } from './system/walk-order.ts';

const ORDERS = 40;

interface Replay {
  readonly state: string;
  readonly matched: number;
  readonly reopened: number;
  readonly delivered: number;
  readonly failed: number;
}

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  test.skipIf(skipReason !== null)(
    'a replay goes on where a killed worker left it, and opens each delivery once',
    async ({ onTestFinished }) => {
      const receiver = await createReceiver();
      onTestFinished(() => receiver.close());
      const system = await createSystem({ redisUrl });
      onTestFinished(() => system.stop());
      const [, worker] = await Promise.all([system.startApi(), system.startWorker()]);

      receiver.answer('/hook', respond(400));
      const server = await addCustomerServer(system, receiver.url('/hook'));
      // What the dead worker has on its way is held for as long and five seconds more.
      await changeEndpoint(system, server, { timeoutMs: 1_000 });
      const since = new Date(Date.now() - 60_000).toISOString();
      for (let n = 0; n < ORDERS; n += 1) await createOrder(server);
      await waitFor(async () => expect(await countStates()).toEqual({ failed: ORDERS }));

      receiver.answer('/hook', respond(200));
      const { replayId } = await server.ask<{ replayId: string }>('POST', '/api/external/deliveries/replay', {
        since,
      });
      const read = () => server.ask<Replay>('GET', `/api/external/deliveries/replay/${replayId}`);
      await waitFor(async () => expect((await read()).reopened).toBeGreaterThan(0));
      await worker.kill();
      const left = await read();
      expect(left).toMatchObject({ state: 'running' });
      expect(left.reopened).toBeLessThan(ORDERS);

      const successor = await system.startWorker();
      await waitFor(async () => expect((await read()).state).toBe('completed'));
      expect(await read()).toMatchObject({
        matched: ORDERS,
        reopened: ORDERS,
        delivered: ORDERS,
        failed: 0,
      });
      expect(await countStates()).toEqual({ delivered: ORDERS });
      await successor.log.waitFor('Replay taken up', { replayId });
      // One attempt of the change; of the replay one, and one more for what the dead worker had on its way.
      const { rows } = await system.database.pool.query<{ triggers: string }>(
        `select string_agg(trigger, ' ' order by attempt_number) as triggers from delivery_attempts
      group by delivery_id`,
      );
      expect(
        new Set(rows.map(({ triggers }) => triggers).filter((each) => each !== 'first replay resume')),
      ).toEqual(new Set(['first replay']));
      expect(rows).toHaveLength(ORDERS);

      async function countStates(): Promise<Record<string, number>> {
        const counted = await system.database.pool.query<{ state: string; count: number }>(
          'select state, count(*)::int as count from deliveries group by state',
        );
        return Object.fromEntries(counted.rows.map(({ state, count }) => [state, count]));
      }
    },
  );
});

function waitFor(check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 40_000, interval: 10 });
}
