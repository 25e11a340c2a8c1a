/**
 * A look that moves at two endpoints in one transaction, against everything else that moves the same lanes: nothing is
 * moved twice, no window is overfilled, nothing is left standing, and nobody waits for ever.
 */
import type { Lane } from '@vendor-server/platform/deliveries/promote-sql.ts';
import {
  insertEndpoint,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '@vendor-server/platform/testing/interleave.ts';
import {
  findLanesWithTwoHeads,
  findOverfilledEndpoints,
  findOvertakenLanes,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { describe, expect, test } from 'vitest';
import { buildAction } from './endpoint-scripts.ts';
import { createEndpointStage } from './endpoint-stage.ts';
import { buildChange, buildEnd, look, lookInGroup, lookInSteps } from './lane-scripts.ts';

const stage = createEndpointStage();
const { pool } = stage;

/** Two lanes that can move, at two endpoints with room for one each, behind which another one waits. */
async function insertTwo(): Promise<[Lane, Lane]> {
  const lanes: Lane[] = [];
  for (let n = 0; n < 2; n += 1) {
    const endpoint = await insertEndpoint(pool(), { window: 1 });
    lanes.push(await stage.insertLane(endpoint, ['delivered', 'blocked']));
    await stage.insertLane(endpoint, ['waiting']);
  }
  return lanes as [Lane, Lane];
}

/** Runs them in every order; gives how often each end was seen, of the first lane and of the second. */
async function runAll(
  lengths: readonly number[],
  build: (lanes: [Lane, Lane]) => Promise<readonly Script[]>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const turns of interleavings(lengths)) {
    const lanes = await insertTwo();
    const scripts = await build(lanes);
    expect(scripts.map(({ steps }) => steps.length)).toEqual(lengths);
    await runInterleaved(scripts, turns);
    const states = await Promise.all(lanes.map(({ orderId }) => readStates(pool(), orderId)));
    const end = states.map((each) => each.join(' ')).join(', ');
    counts[end] = (counts[end] ?? 0) + 1;
  }
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  expect(await findOvertakenLanes(pool())).toEqual([]);
  expect(await findOverfilledEndpoints(pool())).toEqual([]);
  return counts;
}

describe('in every order of their statements', { timeout: 60_000 }, () => {
  test('a look at one of them: its lane and its head move once', async () => {
    const [group, one] = await stage.createParties('group', 'one');
    const counts = await runAll([4, 3], async (lanes) => [
      { party: group, steps: lookInGroup(group, lanes) },
      { party: one, steps: lookInSteps(one, lanes[0]) },
    ]);
    // What waited before is the oldest head, and takes the room.
    expect(counts).toEqual({ 'delivered waiting, delivered waiting': 35 });
    const { rows } = await pool().query('select distinct generation from deliveries where state = $1', [
      'queued',
    ]);
    expect(rows).toEqual([{ generation: 1 }]);
  });

  test('another group of the same two, in the other order: each moves once, and neither waits for the other', async () => {
    const [one, other] = await stage.createParties('one', 'other');
    const counts = await runAll([4, 4], async (lanes) => [
      { party: one, steps: lookInGroup(one, lanes) },
      { party: other, steps: lookInGroup(other, lanes.toReversed()) },
    ]);
    expect(counts).toEqual({ 'delivered waiting, delivered waiting': 70 });
  });

  test('a change of one of the orders, and the look after it: it goes behind', async () => {
    const [group, api] = await stage.createParties('group', 'api');
    const counts = await runAll([4, 3], async (lanes) => [
      { party: group, steps: lookInGroup(group, lanes) },
      await buildChange(pool(), api, lanes[0], look),
    ]);
    expect(counts).toEqual({ 'delivered waiting blocked, delivered waiting': 35 });
  });

  test('a pause of one of the endpoints: its deliveries wait, and those of the other go', async () => {
    const [group, pauser] = await stage.createParties('group', 'pauser');
    await runAll([4, 3], async (lanes) => [
      { party: group, steps: lookInGroup(group, lanes) },
      buildAction(pauser, lanes[0], 'pause'),
    ]);
    const { rows } = await pool().query<{ state: string; queued: number }>(
      `select e.state, count(*)::int as queued from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
        where d.state = 'queued' group by 1`,
    );
    expect(rows).toEqual([{ state: 'active', queued: 35 }]);
  });
});

test('a head that ends, a change and a group that looks for both: the lane goes on', async () => {
  const [group, api, worker] = await stage.createParties('group', 'api', 'worker');
  for (const turns of [...interleavings([4, 2, 2])].filter((_turns, index) => index % 21 === 0)) {
    const endpoint = await insertEndpoint(pool());
    const lane = await stage.insertLane(endpoint, ['queued']);
    const other = await stage.insertLane(await insertEndpoint(pool()), ['delivered', 'blocked']);
    await runInterleaved(
      [
        { party: group, steps: lookInGroup(group, [lane, other]) },
        await buildChange(pool(), api, lane, () => []),
        await buildEnd(pool(), worker, lane, { kind: 'delivered' }, () => []),
      ],
      turns,
    );
    // Both have committed: whoever looks for them looks in a group, too.
    await runInterleaved([{ party: group, steps: lookInGroup(group, [lane, other]) }], [0, 0, 0, 0]);
    const rows = await readDeliveries(pool(), lane.orderId);
    expect(
      rows.map(({ state }) => state),
      `turns ${turns.join('')}`,
    ).toEqual(['delivered', 'queued']);
  }
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
});
