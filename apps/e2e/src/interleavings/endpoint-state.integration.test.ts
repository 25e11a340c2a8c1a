/**
 * Closing and opening an endpoint against everything that moves its deliveries meanwhile, each on a connection of its
 * own: nothing is sent twice, and nothing is left standing.
 */
import { readDeliveries } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { describe, expect, test } from 'vitest';
import { buildAction, buildClaim, buildDisabling } from './endpoint-scripts.ts';
import { createEndpointStage } from './endpoint-stage.ts';
import { asOne, lookInSteps } from './lane-scripts.ts';

const stage = createEndpointStage();
const { pool } = stage;

describe('in every order of their statements', { timeout: 180_000 }, () => {
  test('a pause, a promotion and a claim: what is being sent goes on, everything else waits', async () => {
    const [pauser, relay, worker] = await stage.createParties('pauser', 'relay', 'worker');
    const counts = await stage.runAll(
      { states: ['queued', 'blocked'] },
      [2, 2, 2],
      async (lane, endpoint) => {
        const other = await stage.insertLane(endpoint, ['waiting']);
        const [lock, write, commit] = buildAction(pauser, lane, 'pause').steps;
        const [seek, lockToMove, move] = lookInSteps(relay, other);
        const [queued] = await readDeliveries(pool(), lane.orderId);
        const job = { deliveryId: queued?.id ?? '', generation: 1 };
        return [
          { party: pauser, steps: [asOne(lock, write), asOne(commit)] },
          { party: relay, steps: [asOne(seek, lockToMove), asOne(move)] },
          buildClaim(worker, lane, job),
        ];
      },
    );
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'waiting blocked']);
    const { rows } = await pool().query(
      `select count(*)::int as attempts, (select count(*)::int from deliveries where claim_token is not null) as claimed
         from delivery_attempts`,
    );
    expect(rows).toEqual([{ attempts: counts['queued blocked'], claimed: counts['queued blocked'] }]);
  });

  test('a resumption and a claim by an old job: it goes once, under its new generation', async () => {
    const [resumer, worker] = await stage.createParties('resumer', 'worker');
    const situation = { endpoint: { state: 'paused' }, states: ['waiting', 'blocked'] } as const;
    const counts = await stage.runAll(situation, [4, 2], async (lane) => {
      const [waiting] = await readDeliveries(pool(), lane.orderId);
      return [
        buildAction(resumer, lane, 'resume'),
        buildClaim(worker, lane, { deliveryId: waiting?.id ?? '', generation: 0 }),
      ];
    });
    expect(counts).toEqual({ 'queued blocked': 15 });
    expect((await pool().query('select from delivery_attempts')).rowCount).toBe(0);
  });

  test('a pause and a resumption of what is queued: as whoever came last wants it', async () => {
    const [pauser, resumer] = await stage.createParties('pauser', 'resumer');
    const counts = await stage.runAll({ states: ['queued', 'blocked'] }, [3, 4], async (lane) => [
      buildAction(pauser, lane, 'pause'),
      buildAction(resumer, lane, 'resume'),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'waiting blocked']);
  });

  test('a disabling and a pause: the endpoint is one of the two, and nothing of it is in the queue', async () => {
    const [worker, pauser] = await stage.createParties('worker', 'pauser');
    const counts = await stage.runAll({ states: ['queued', 'blocked'] }, [4, 3], async (lane) => [
      buildDisabling(worker, lane),
      buildAction(pauser, lane, 'pause'),
    ]);
    expect(counts).toEqual({ 'waiting blocked': 35 });
    const { rows } = await pool().query('select distinct state from webhook_endpoints order by state');
    expect(rows).toEqual([{ state: 'disabled' }, { state: 'paused' }]);
  });

  test('a disabling and an enabling: what was enabled goes, what was disabled waits', async () => {
    const [worker, operator] = await stage.createParties('worker', 'operator');
    const counts = await stage.runAll({ states: ['queued', 'blocked'] }, [4, 4], async (lane) => [
      buildDisabling(worker, lane),
      buildAction(operator, lane, 'enable'),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'waiting blocked']);
    const { rows } = await pool().query(
      `select distinct e.state || ' ' || d.state as seen from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
        where d.state <> 'blocked' order by 1`,
    );
    expect(rows).toEqual([{ seen: 'active queued' }, { seen: 'disabled waiting' }]);
  });
});
