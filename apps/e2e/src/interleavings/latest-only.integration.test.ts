/**
 * A change of an order whose endpoint wants the latest only, against everything else that moves its lane: whatever
 * comes between, the newest goes on, and nothing older that nobody is sending is left.
 */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { Lane } from '@vendor-server/platform/deliveries/promote-sql.ts';
import {
  type EndpointOptions,
  insertEndpoint,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import {
  inTransaction,
  interleavings,
  runInterleaved,
  type Script,
} from '@vendor-server/platform/testing/interleave.ts';
import {
  findLanesWithoutNewest,
  findLanesWithTwoHeads,
  findStrandedLanes,
  findUnreplacedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import type { Party } from '@vendor-server/platform/testing/party.ts';
import { createPartyStage } from '@vendor-server/platform/testing/party-stage.ts';
import { claimDelivery } from '@vendor-server/worker/deliveries/claim-sql.ts';
import type { RecordedStep } from '@vendor-server/worker/deliveries/record-sql.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildChange, buildEnd, buildResend, dontLook, look, lookInSteps } from './lane-scripts.ts';

const { pool, createParties } = createPartyStage();
const RETRY: RecordedStep = { kind: 'retry', delayMs: 60_000, holdIn: 'queue' };

interface TestLane extends Lane {
  readonly deliveryIds: readonly string[];
}
type BuildScripts = (lane: TestLane) => Promise<readonly Script[]>;

async function insertLane(
  states: readonly DeliveryState[],
  options: EndpointOptions = {},
): Promise<TestLane> {
  const endpoint = await insertEndpoint(pool(), { mode: 'latest_only', ...options });
  return { ...endpoint, ...(await insertOrder(pool(), endpoint, states)) };
}

async function expectLatestOnly(): Promise<void> {
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  expect(await findUnreplacedLanes(pool())).toEqual([]);
  expect(await findLanesWithoutNewest(pool())).toEqual([]);
}

/** Runs the scripts in these orders of turns; gives how often each end was seen. */
async function run(
  states: readonly DeliveryState[],
  schedules: Iterable<readonly number[]>,
  build: BuildScripts,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const turns of schedules) {
    const lane = await insertLane(states);
    await runInterleaved(await build(lane), turns);
    const end = (await readStates(pool(), lane.orderId)).join(' ');
    counts[end] = (counts[end] ?? 0) + 1;
  }
  return counts;
}

/** A worker takes the lane's first delivery. */
function buildClaim(party: Party, lane: TestLane, generation = 1): Script {
  const job = { deliveryId: lane.deliveryIds[0] ?? '', generation };
  return inTransaction(party, () => claimDelivery(party.client, job, `token ${job.deliveryId}`, 10_000));
}

function buildPause(party: Party, lane: TestLane): Script {
  const pause = () =>
    party.client.query(`update webhook_endpoints set state = 'paused' where id = $1`, [lane.endpointId]);
  const { steps } = inTransaction(party, pause);
  return { party, steps: [...steps, ...look(party, lane)] };
}

describe('in every order of their statements', { timeout: 180_000 }, () => {
  test('a change and a claim: what is being sent is left, what is not is replaced', async () => {
    const [changer, worker] = await createParties('changer', 'worker');
    const counts = await run(['queued'], interleavings([3, 3]), async (lane) => [
      await buildChange(pool(), changer, lane, look),
      buildClaim(worker, lane),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'superseded queued']);
    await expectLatestOnly();
  });

  test('a change and the record of an attempt that would be made again, their looks mixed', async () => {
    const [changer, worker] = await createParties('changer', 'worker');
    const counts = await run(['queued'], interleavings([5, 5]), async (lane) => [
      await buildChange(pool(), changer, lane, lookInSteps),
      await buildEnd(pool(), worker, lane, RETRY, lookInSteps),
    ]);
    expect(counts).toEqual({ 'superseded queued': 252 });
    await expectLatestOnly();
  });

  test.each([
    ['would be made again much later', { ...RETRY, holdIn: 'database' }, 'superseded'],
    ['was accepted', { kind: 'delivered' }, 'delivered'],
    ['failed for good', { kind: 'failed', reason: 'rejected' }, 'failed'],
  ] as const)('a change and the record of an attempt that %s', async (_how, step, state) => {
    const [changer, worker] = await createParties('changer', 'worker');
    const counts = await run(['queued'], interleavings([3, 3]), async (lane) => [
      await buildChange(pool(), changer, lane, look),
      await buildEnd(pool(), worker, lane, step, look),
    ]);
    expect(counts).toEqual({ [`${state} queued`]: 20 });
    await expectLatestOnly();
  });

  test('a change and a promotion of what it replaces', async () => {
    const [changer, relay] = await createParties('changer', 'relay');
    const counts = await run(['delivered', 'blocked'], interleavings([5, 3]), async (lane) => [
      await buildChange(pool(), changer, lane, lookInSteps),
      { party: relay, steps: lookInSteps(relay, lane) },
    ]);
    expect(counts).toEqual({ 'delivered superseded queued': 56 });
    await expectLatestOnly();
  });

  test('a change and a resend: the resend is replaced, or goes after the change that was there before', async () => {
    const [changer, resender] = await createParties('changer', 'resender');
    const counts = await run(['delivered'], interleavings([3, 4]), async (lane) => [
      await buildChange(pool(), changer, lane, look),
      buildResend(resender, lane, 1, look),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['blocked queued', 'superseded queued']);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test('a change and a pause: the newest waits, or was in the queue already', async () => {
    const [changer, pauser] = await createParties('changer', 'pauser');
    const counts = await run(['queued'], interleavings([3, 4]), async (lane) => [
      await buildChange(pool(), changer, lane, look),
      buildPause(pauser, lane),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['superseded queued', 'superseded waiting']);
    await expectLatestOnly();
  });
});

test('without the look of either side an older one is left in front of the newest, and the checks say so', async () => {
  const [changer, worker] = await createParties('changer', 'worker');
  const counts = await run(['queued'], interleavings([2, 2]), async (lane) => [
    await buildChange(pool(), changer, lane, dontLook),
    await buildEnd(pool(), worker, lane, RETRY, dontLook),
  ]);
  expect(counts['queued blocked']).toBeGreaterThan(0);
  expect(await findUnreplacedLanes(pool())).toHaveLength(counts['queued blocked'] ?? 0);
});

test('everybody at once, in many orders: the newest goes on', { timeout: 60_000 }, async () => {
  const parties = await createParties('changer', 'worker', 'relay', 'resender', 'pauser');
  const [changer, worker, relay, resender, pauser] = parties;
  const lengths = [5, 5, 3, 4, 4];
  const turns = fc.shuffledSubarray(
    lengths.flatMap((length, index) => Array<number>(length).fill(index)),
    { minLength: 21, maxLength: 21 },
  );
  const someStates = fc.constantFrom<DeliveryState[]>(
    ['failed', 'queued'],
    ['delivered', 'queued', 'blocked'],
    ['superseded', 'queued', 'blocked', 'blocked'],
  );
  const steps = fc.constantFrom<RecordedStep>(
    RETRY,
    { kind: 'delivered' },
    { kind: 'failed', reason: 'rejected' },
  );
  await fc.assert(
    fc.asyncProperty(turns, someStates, steps, fc.boolean(), async (schedule, states, step, isPaused) => {
      const lane = await insertLane(states);
      const scripts = [
        await buildChange(pool(), changer, lane, lookInSteps),
        await buildEnd(pool(), worker, lane, step, lookInSteps),
        { party: relay, steps: lookInSteps(relay, lane) },
        buildResend(resender, lane, 1, look),
        isPaused ? buildPause(pauser, lane) : { party: pauser, steps: lookInSteps(pauser, lane) },
      ];
      await runInterleaved(scripts, schedule);
      const newest = (await readDeliveries(pool(), lane.orderId)).at(-1);
      expect(newest?.state).toMatch(/^(queued|waiting|blocked)$/);
      expect(await findStrandedLanes(pool())).toEqual([]);
      expect(await findLanesWithTwoHeads(pool())).toEqual([]);
      expect(await findUnreplacedLanes(pool())).toEqual([]);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
