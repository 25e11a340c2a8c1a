/**
 * A resend against everything else that moves its lane, each on a connection of its own: what is in flight
 * elsewhere is not seen, and nothing may be stranded, doubled or overtaken by it.
 */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { Lane } from '@vendor-server/platform/deliveries/promote-sql.ts';
import {
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '@vendor-server/platform/testing/interleave.ts';
import {
  findLanesWithTwoHeads,
  findOvertakenLanes,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import type { Party } from '@vendor-server/platform/testing/party.ts';
import { createPartyStage } from '@vendor-server/platform/testing/party-stage.ts';
import { describe, expect, test } from 'vitest';
import { asOne, buildChange, buildEnd, buildResend, look, lookInSteps } from './lane-scripts.ts';

const { pool, createParties } = createPartyStage();

interface TestLane extends Lane {
  readonly deliveryIds: readonly string[];
}

async function insertLane(states: readonly DeliveryState[]): Promise<TestLane> {
  const endpoint = await insertEndpoint(pool());
  return { ...endpoint, ...(await insertOrder(pool(), endpoint, states)) };
}

type BuildScripts = (lane: TestLane) => Promise<readonly Script[]>;

/** Runs the scripts in every order of their statements; gives how often each end was seen. */
async function runAll(
  states: readonly DeliveryState[],
  lengths: readonly number[],
  build: BuildScripts,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const turns of interleavings(lengths)) {
    const lane = await insertLane(states);
    const scripts = await build(lane);
    expect(scripts.map(({ steps }) => steps.length)).toEqual(lengths);
    await runInterleaved(scripts, turns);
    const end = (await readStates(pool(), lane.orderId)).join(' ');
    counts[end] = (counts[end] ?? 0) + 1;
  }
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  expect(await findOvertakenLanes(pool())).toEqual([]);
  return counts;
}

describe('in every order of their statements', { timeout: 180_000 }, () => {
  test('a resend and a change of its order: one goes, the other waits behind it', async () => {
    const [resender, changer] = await createParties('resender', 'changer');
    let refused = 0;
    const counts = await runAll(['delivered'], [4, 3], async (lane) => [
      buildResend(resender, lane, 1, look),
      await buildChange(pool(), changer, lane, look, () => {
        refused += 1;
      }),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['blocked queued', 'queued blocked']);
    // A change that waited for the resend's lock has not seen what it opened: the lane's index tells it.
    expect(refused).toBeGreaterThan(0);
  });

  test('also when the looks themselves are mixed', async () => {
    const [resender, changer] = await createParties('resender', 'changer');
    const counts = await runAll(['superseded'], [6, 5], async (lane) => [
      buildResend(resender, lane, 1, lookInSteps),
      await buildChange(pool(), changer, lane, lookInSteps),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['blocked queued', 'queued blocked']);
  });

  test('a resend, a change and the end of the head between them', async () => {
    const [resender, changer, worker] = await createParties('resender', 'changer', 'worker');
    const counts = await runAll(['failed', 'queued'], [3, 2, 2], async (lane) => {
      const [lock, reopen, ...rest] = buildResend(resender, lane, 1, look).steps;
      const [write, ...announce] = (await buildChange(pool(), changer, lane, look)).steps;
      const [record, commit, ...lookAfter] = (
        await buildEnd(pool(), worker, lane, { kind: 'delivered' }, look)
      ).steps;
      return [
        { party: resender, steps: [asOne(lock, reopen), ...rest] },
        { party: changer, steps: [asOne(write), asOne(...announce)] },
        { party: worker, steps: [asOne(record, commit), ...lookAfter] },
      ];
    });
    // The change goes first where it saw the head's end and not what the resend had blocked behind it.
    expect(Object.keys(counts).toSorted()).toEqual(['blocked delivered queued', 'queued delivered blocked']);
  });

  test('a resend and the record of its lane’s head', async () => {
    const [resender, worker] = await createParties('resender', 'worker');
    const counts = await runAll(['failed', 'queued', 'blocked'], [6, 3], async (lane) => [
      buildResend(resender, lane, 1, lookInSteps),
      await buildEnd(pool(), worker, lane, { kind: 'failed', reason: 'rejected' }, look),
    ]);
    // The next of the lane is the resend, or what was next already when the resend came.
    expect(Object.keys(counts).toSorted()).toEqual(['blocked failed queued', 'queued failed blocked']);
  });

  test('a resend of what is being recorded: it has not finished, or it goes out again', async () => {
    const [resender, worker] = await createParties('resender', 'worker');
    const refusals = new Set<unknown>();
    const counts = await runAll(['queued'], [4, 3], async (lane) => [
      buildResend(resender, lane, 1, look, (refusal) => refusals.add(refusal)),
      await buildEnd(pool(), worker, lane, { kind: 'delivered' }, look),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['delivered', 'queued']);
    expect(refusals).toEqual(new Set(['delivery_not_finished', null]));
  });

  test('a resend and a promotion of what is blocked in its lane', async () => {
    const [resender, relay] = await createParties('resender', 'relay');
    const counts = await runAll(['failed', 'delivered', 'blocked'], [6, 3], async (lane) => [
      buildResend(resender, lane, 1, lookInSteps),
      { party: relay, steps: lookInSteps(relay, lane) },
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['blocked delivered queued', 'queued delivered blocked']);
  });

  test('two resends of one delivery: exactly one opens it', async () => {
    const parties = await createParties('one', 'other');
    const refusals: unknown[] = [];
    const counts = await runAll(['failed'], [4, 4], async (lane) =>
      parties.map((party) => buildResend(party, lane, 1, look, (refusal) => refusals.push(refusal))),
    );
    expect(counts).toEqual({ queued: 70 });
    expect(refusals.filter((refusal) => refusal === null)).toHaveLength(70);
    expect(refusals.filter((refusal) => refusal === 'delivery_not_finished')).toHaveLength(70);
  });

  test('two resends in one lane: one goes, the other waits behind it', async () => {
    const parties = await createParties('one', 'other');
    const counts = await runAll(['delivered', 'failed'], [4, 4], async (lane) =>
      parties.map((party, index) => buildResend(party, lane, index + 1, look)),
    );
    expect(Object.keys(counts).toSorted()).toEqual(['blocked queued', 'queued blocked']);
  });

  test('a resend and the deletion of its endpoint: nothing is left waiting', async () => {
    const [resender, deleter] = await createParties('resender', 'deleter');
    const counts = await runAll(['failed', 'blocked'], [4, 3], async (lane) => [
      buildResend(resender, lane, 1, look),
      buildClosing(deleter, lane, 'deleted_at = now()'),
    ]);
    // What was in the queue before the deletion is cancelled by its claim.
    expect(Object.keys(counts).toSorted()).toEqual([
      'cancelled cancelled',
      'failed cancelled',
      'queued cancelled',
    ]);
  });

  test('a resend and a pause of its endpoint: it waits, or it was in the queue already', async () => {
    const [resender, pauser] = await createParties('resender', 'pauser');
    const counts = await runAll(['failed'], [4, 3], async (lane) => [
      buildResend(resender, lane, 1, look),
      buildClosing(pauser, lane, `state = 'paused'`),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['queued', 'waiting']);
  });

  test('a resend and a resumption of its endpoint: it goes', async () => {
    const [resender, resumer] = await createParties('resender', 'resumer');
    const counts = await runAll(['failed'], [4, 3], async (lane) => {
      await pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [lane.endpointId]);
      return [buildResend(resender, lane, 1, look), buildClosing(resumer, lane, `state = 'active'`)];
    });
    expect(counts).toEqual({ queued: 35 });
  });

  /** An endpoint is closed or opened, and its deliveries are looked at. */
  function buildClosing(party: Party, lane: TestLane, change: string): Script {
    return {
      party,
      steps: [
        async () => {
          await party.begin();
          await party.client.query(`update webhook_endpoints set ${change} where id = $1`, [lane.endpointId]);
        },
        () => party.commit(),
        ...look(party, lane),
      ],
    };
  }
});
