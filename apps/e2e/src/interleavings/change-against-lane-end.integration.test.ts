/**
 * A change of an order against the end of what its endpoint was told before: the API writes the one, a worker
 * the other, and neither sees what the other has not committed.
 */
import { promote } from '@vendor-server/platform/deliveries/promote.ts';
import type { Lane } from '@vendor-server/platform/deliveries/promote-sql.ts';
import {
  insertEndpoint,
  insertOrder,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved } from '@vendor-server/platform/testing/interleave.ts';
import {
  findLanesWithTwoHeads,
  findOvertakenLanes,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { createPartyStage } from '@vendor-server/platform/testing/party-stage.ts';
import type { RecordedStep } from '@vendor-server/worker/deliveries/record-sql.ts';
import { describe, expect, test } from 'vitest';
import { buildChange, buildEnd, dontLook, type Look, look, lookInSteps } from './lane-scripts.ts';

const { database, pool, createParties } = createPartyStage();

interface Sides {
  readonly change: Look;
  readonly end: Look;
}

const DELIVERED: RecordedStep = { kind: 'delivered' };

/** Runs the two in every order of their statements; gives the states they left behind, by order of turns. */
async function runAll(sides: Sides, step: RecordedStep = DELIVERED, isPaused = false) {
  const [api, worker] = await createParties('api', 'worker');
  const runs = new Map<string, { orderId: string; states: string }>();
  const lengths = [2 + sides.change(api, noLane).length, 2 + sides.end(worker, noLane).length];
  for (const turns of interleavings(lengths)) {
    const endpoint = await insertEndpoint(pool());
    const { orderId } = await insertOrder(pool(), endpoint, ['queued']);
    const lane = { ...endpoint, orderId };
    const scripts = [
      await buildChange(pool(), api, lane, sides.change),
      await buildEnd(pool(), worker, lane, step, sides.end),
    ];
    if (isPaused) {
      await pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [lane.endpointId]);
    }
    await runInterleaved(scripts, turns);
    const states = (await readDeliveries(pool(), orderId)).map(({ state }) => state).join(' ');
    runs.set(turns.join(''), { orderId, states });
  }
  return runs;
}

const noLane: Lane = { endpointId: '', orderId: '' };

function countStates(runs: Awaited<ReturnType<typeof runAll>>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { states } of runs.values()) counts[states] = (counts[states] ?? 0) + 1;
  return counts;
}

async function expectHealthyLanes(): Promise<void> {
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  expect(await findOvertakenLanes(pool())).toEqual([]);
}

describe('in every order of their statements', { timeout: 180_000 }, () => {
  test.each([
    ['delivered', DELIVERED],
    ['failed', { kind: 'failed', reason: 'rejected' }],
  ] as const)('the new delivery goes on once the head is %s', async (state, step) => {
    const runs = await runAll({ change: look, end: look }, step);
    expect(runs.size).toBe(20);
    expect(countStates(runs)).toEqual({ [`${state} queued`]: 20 });
    await expectHealthyLanes();
  });

  test('also when the looks themselves are mixed', async () => {
    const runs = await runAll({ change: lookInSteps, end: lookInSteps });
    expect(runs.size).toBe(252);
    expect(countStates(runs)).toEqual({ 'delivered queued': 252 });
    await expectHealthyLanes();
  });

  test('and stays behind a head that will be tried again, without taking its room', async () => {
    const retry = { kind: 'retry', delayMs: 60_000, holdIn: 'database' } as const;
    const runs = await runAll({ change: look, end: look }, retry);
    expect(countStates(runs)).toEqual({ 'waiting blocked': 20 });
    await expectHealthyLanes();
  });

  test('and waits at a paused endpoint, as its lane’s only head', async () => {
    const runs = await runAll({ change: look, end: look }, DELIVERED, true);
    expect(countStates(runs)).toEqual({ 'delivered waiting': 20 });
    await expectHealthyLanes();
  });
});

describe('without a look after commit the check finds lanes that nobody will move', () => {
  test.each([
    ['of the change', { change: dontLook, end: look }],
    ['of the record', { change: look, end: dontLook }],
    ['of either', { change: dontLook, end: dontLook }],
  ])('%s', async (_whose, sides) => {
    const runs = await runAll(sides);
    const stranded = [...runs.values()].filter(({ states }) => states === 'delivered blocked');
    expect(stranded.length).toBeGreaterThan(0);
    expect(stranded.length).toBeLessThan(runs.size);
    expect(await findStrandedLanes(pool())).toEqual(
      stranded
        .map(({ orderId }) => ({ orderId, versions: [2] }))
        .toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1)),
    );
  });

  test('and one look after both have committed, by whomever, moves every one of them', async () => {
    await runAll({ change: dontLook, end: dontLook });
    const stranded = await findStrandedLanes(pool());
    expect(stranded.length).toBeGreaterThan(0);
    for (const { orderId } of stranded) {
      const { rows } = await pool().query<{ endpointId: string }>(
        'select endpoint_id as "endpointId" from deliveries where order_id = $1 limit 1',
        [orderId],
      );
      await promote(database(), rows[0]?.endpointId ?? '', [orderId]);
    }
    await expectHealthyLanes();
  });
});
