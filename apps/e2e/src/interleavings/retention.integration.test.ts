/**
 * Retention against whoever opens, changes or erases what it removes, each on a connection of its own: a delivery is kept
 * or gone, an order is kept whole or gone whole, and nobody waits for each other in a circle.
 */
import {
  eraseAnswersOfReceivers,
  lockOrder,
  readTransitionTexts,
  writeErasedTransitions,
} from '@vendor-server/api/orders/erase-personal-data-sql.ts';
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { lockOrders } from '@vendor-server/platform/deliveries/reopen-sql.ts';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '@vendor-server/platform/testing/interleave.ts';
import { findLanesWithTwoHeads, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import type { Party } from '@vendor-server/platform/testing/party.ts';
import { createPartyStage } from '@vendor-server/platform/testing/party-stage.ts';
import { insertReplay, readReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { reopenBatch } from '@vendor-server/worker/replays/reopen-batch.ts';
import {
  deleteOrders,
  findRemovable,
  lockDeliveriesOfOrders,
  lockEndedOrders,
  raiseFeedPrunedThrough,
  readContents,
} from '@vendor-server/worker/sweeps/order-sweep-sql.ts';
import { pruneDeliveries } from '@vendor-server/worker/sweeps/sweep-sql.ts';
import { describe, expect, test } from 'vitest';
import { asOne, buildChange, buildResend, look } from './lane-scripts.ts';

const { pool, database, createParties } = createPartyStage();

const KEEP_DAYS = 30;
const BEGINNING = new Date(0);

interface TestLane {
  readonly customerServerId: string;
  readonly endpointId: string;
  readonly orderId: string;
  readonly deliveryIds: readonly string[];
}

/** What has ended has done so long ago. */
async function insertLane(states: readonly DeliveryState[], isOver: boolean): Promise<TestLane> {
  const endpoint = await insertEndpoint(pool());
  const order = await insertOrder(pool(), endpoint, states);
  await pool().query(
    `update deliveries set finished_at = finished_at - interval '40 days', attempt_count = 1 where order_id = $1`,
    [order.orderId],
  );
  await pool().query(
    `insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, outcome, response_excerpt)
     select id, 1, 'first', 'token', now(), 'acknowledged', 'thanks' from deliveries where order_id = $1`,
    [order.orderId],
  );
  if (isOver) {
    await pool().query(
      `update orders set status = 'completed', completed_at = now(), updated_at = now() - interval '40 days' where id = $1`,
      [order.orderId],
    );
    await assignFeedPositions(database());
  }
  return { ...endpoint, ...order };
}

function buildPrune(party: Party): Script {
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await pruneDeliveries(party.client, KEEP_DAYS, BEGINNING, 100);
      },
      () => party.commit(),
    ],
  };
}

/** What ships of an order's removal, with the places between its statements where others can come. */
function buildRemoval(party: Party, { orderId }: TestLane): Script {
  const { client } = party;
  let orderIds: string[] = [];
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        orderIds = await lockEndedOrders(client, [orderId]);
      },
      async () => {
        await lockDeliveriesOfOrders(client, orderIds);
        orderIds = await findRemovable(client, KEEP_DAYS, orderIds);
      },
      async () => {
        const { pruneThrough } = await readContents(client, orderIds);
        await deleteOrders(client, orderIds);
        await raiseFeedPrunedThrough(client, pruneThrough);
        await party.commit();
      },
    ],
  };
}

/** What ships of an erasure where it meets retention. */
function buildErasure(party: Party, { orderId }: TestLane): Script {
  const { client } = party;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await lockOrder(client, orderId);
      },
      async () => {
        const transitions = await readTransitionTexts(client, orderId);
        const erased = transitions.map(({ id }) => ({ id, reason: 'erased', body: '{}' }));
        await writeErasedTransitions(client, erased);
      },
      async () => {
        await eraseAnswersOfReceivers(client, orderId);
        await party.commit();
      },
    ],
  };
}

/** A resend, whose commit and look nobody comes between: nobody else moves the lane. */
function buildShortResend(...args: Parameters<typeof buildResend>): Script {
  const { party, steps } = buildResend(...args);
  const [lock, reopen, ...rest] = steps;
  return { party, steps: [asOne(lock), asOne(reopen), asOne(...rest)] };
}

/** Its states by version, and how pruned ones ended; or that the order is gone. */
async function readEnd({ orderId }: TestLane): Promise<string> {
  const { rows } = await pool().query<{ end: string | null }>(
    `select string_agg(coalesce(d.state, 'pruned ' || p.state, 'half'), ', ' order by t.version) as end
       from order_transitions t
       left join deliveries d on d.transition_id = t.id
       left join pruned_deliveries p on p.transition_id = t.id and d.id is null
      where t.order_id = $1`,
    [orderId],
  );
  const isThere = (await lockOrders(pool(), [orderId], 'wait')).length === 1;
  const end = rows[0]?.end ?? null;
  if (!isThere) expect(end).toBeNull();
  return isThere ? (end ?? 'half') : 'gone';
}

/** Runs the scripts in every order of their statements; gives the ends that were seen. */
async function runAll(
  states: readonly DeliveryState[],
  isOver: boolean,
  lengths: readonly number[],
  build: (lane: TestLane) => Promise<readonly Script[]> | readonly Script[],
): Promise<string[]> {
  const ends = new Set<string>();
  for (const turns of interleavings(lengths)) {
    const lane = await insertLane(states, isOver);
    const scripts = await build(lane);
    expect(scripts.map(({ steps }) => steps.length)).toEqual(lengths);
    await runInterleaved(scripts, turns);
    ends.add(await readEnd(lane));
  }
  const { rowCount: doubles } = await pool().query(
    'select from pruned_deliveries join deliveries using (transition_id, endpoint_id)',
  );
  expect(doubles).toBe(0);
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  return [...ends].toSorted();
}

describe('in every order of their statements', { timeout: 60_000 }, () => {
  test('a resend and what prunes its delivery: it goes out again, or it is not found', async () => {
    const [resender, sweeper] = await createParties('resender', 'sweeper');
    const refusals = new Set<unknown>();
    const ends = await runAll(['delivered'], false, [3, 2], (lane) => [
      buildShortResend(resender, lane, 1, look, (refusal) => refusals.add(refusal)),
      buildPrune(sweeper),
    ]);
    expect(ends).toEqual(['pruned delivered', 'queued']);
    // Not found is said by no row at all.
    expect(refusals).toEqual(new Set([null, undefined]));
  });

  test('a resend and what prunes another delivery of its lane', async () => {
    const [resender, sweeper] = await createParties('resender', 'sweeper');
    const ends = await runAll(['delivered', 'failed'], false, [3, 2], (lane) => [
      buildShortResend(resender, lane, 2, look),
      buildPrune(sweeper),
    ]);
    // Which lane is open is seen when the pruning begins.
    expect(ends).toEqual([
      'delivered, queued',
      'pruned delivered, pruned failed',
      'pruned delivered, queued',
    ]);
  });

  test('a change of a late order and what prunes its deliveries', async () => {
    const [changer, sweeper] = await createParties('changer', 'sweeper');
    const ends = await runAll(['delivered'], false, [3, 2], async (lane) => [
      await buildChange(pool(), changer, lane, look),
      buildPrune(sweeper),
    ]);
    expect(ends).toEqual(['delivered, queued', 'pruned delivered, queued']);
  });

  test('a replay over what is pruned', async () => {
    const [replayer, sweeper] = await createParties('replayer', 'sweeper');
    const replays: string[] = [];
    const ends = await runAll(['failed'], false, [3, 2], async (lane) => {
      const replayId = await insertReplay(pool(), { ...lane, endpointIds: [lane.endpointId] });
      replays.push(replayId);
      const { client, begin, commit } = replayer;
      const reopen = () => reopenBatch(client, replayId, lane.endpointId);
      const steps = [asOne(begin, reopen), commit, ...look(replayer, lane)];
      return [{ party: replayer, steps }, buildPrune(sweeper)];
    });
    expect(ends).toEqual(['pruned failed', 'queued']);
    for (const replayId of replays) {
      const { matched, reopened } = await readReplay(pool(), replayId);
      expect(reopened).toBeLessThanOrEqual(matched);
    }
  });

  test('two that prune', async () => {
    const [one, other] = await createParties('one', 'other');
    const ends = await runAll(['delivered', 'failed'], false, [2, 2], () => [
      buildPrune(one),
      buildPrune(other),
    ]);
    expect(ends).toEqual(['pruned delivered, pruned failed']);
  });

  test('a resend and the removal of its order: it goes out again, or there is no order', async () => {
    const [resender, remover] = await createParties('resender', 'remover');
    const ends = await runAll(['delivered', 'failed'], true, [3, 3], (lane) => [
      buildShortResend(resender, lane, 1, look),
      buildRemoval(remover, lane),
    ]);
    expect(ends).toEqual(['gone', 'queued, failed']);
  });

  test('what prunes deliveries and the removal of their order', async () => {
    const [sweeper, remover] = await createParties('sweeper', 'remover');
    const ends = await runAll(['delivered', 'failed'], true, [2, 3], (lane) => [
      buildPrune(sweeper),
      buildRemoval(remover, lane),
    ]);
    expect(ends).toEqual(['gone']);
  });

  test('two removals of an order', async () => {
    const [one, other] = await createParties('one', 'other');
    const ends = await runAll(['delivered'], true, [3, 3], (lane) => [
      buildRemoval(one, lane),
      buildRemoval(other, lane),
    ]);
    expect(ends).toEqual(['gone']);
  });

  test('an erasure and what prunes deliveries', async () => {
    const [eraser, sweeper] = await createParties('eraser', 'sweeper');
    const ends = await runAll(['delivered', 'failed'], true, [3, 2], (lane) => [
      buildErasure(eraser, lane),
      buildPrune(sweeper),
    ]);
    expect(ends).toEqual(['pruned delivered, pruned failed']);
  });

  test('an erasure and the removal of its order: it is erased, or there is no order', async () => {
    const [eraser, remover] = await createParties('eraser', 'remover');
    const ends = await runAll(['delivered'], true, [3, 3], (lane) => [
      buildErasure(eraser, lane),
      buildRemoval(remover, lane),
    ]);
    expect(ends).toEqual(['delivered', 'gone']);
  });
});
