/**
 * Closing and opening an endpoint against everything that moves its deliveries meanwhile, each on a connection of its
 * own: nothing is sent twice, nothing is left standing, and nothing is given up that could have gone.
 */
import {
  lockEndpointRow,
  writeEndpointState,
} from '@vendor-server/api/webhook-endpoints/endpoint-state-sql.ts';
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { type Lane, lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '@vendor-server/platform/testing/interleave.ts';
import {
  findLanesWithTwoHeads,
  findOverfilledEndpoints,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { createStage, type Party } from '@vendor-server/platform/testing/party.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { claimDelivery, settleRefusal } from '@vendor-server/worker/deliveries/claim-sql.ts';
import { giveUpOverdue, lockLongClosed } from '@vendor-server/worker/holds/hold-sql.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asOne, buildChange, look, lookInSteps } from './lane-scripts.ts';

const HOUR_MS = 3_600_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

async function insertLane(endpoint: EndpointFixture, states: readonly DeliveryState[]): Promise<Lane> {
  const { endpointId } = endpoint;
  return { endpointId, orderId: (await insertOrder(pool(), endpoint, states)).orderId };
}

/** What ships, with the places where others can come: after the locks, and before the commit. */
function buildStateChange(
  party: Party,
  lane: Lane,
  state: 'active' | 'paused' | 'disabled',
  startsSmall = false,
): Script {
  const { client } = party;
  const { endpointId } = lane;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await lockEndpoint(client, endpointId);
        await lockEndpointRow(client, endpointId);
      },
      async () => {
        await writeEndpointState(client, endpointId, { state, reason: null, startsSmall });
        if (state !== 'active') await putBackUnclaimed(client, endpointId);
      },
      () => party.commit(),
      ...(state === 'active' ? look(party, lane) : []),
    ],
  };
}

/** A job of the lane's first delivery is taken; refused, it is put back where it belongs, and the lane looked at. */
function buildClaim(party: Party, lane: Lane, job: { deliveryId: string; generation: number }): Script {
  let isClaimed = false;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        isClaimed = (await claimDelivery(party.client, job, `token ${job.deliveryId}`, 10_000)) !== null;
      },
      async () => {
        await party.commit();
        if (isClaimed) return;
        const { kind } = await settleRefusal(party.client, job);
        if (kind === 'endpoint_closed') for (const step of look(party, lane)) await step();
      },
    ],
  };
}

/** What ships, with the places where others can come. */
function buildGivingUp(party: Party, lane: Lane): Script {
  const { client } = party;
  const { endpointId } = lane;
  let isOverdue = false;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await lockEndpoint(client, endpointId);
        isOverdue = await lockLongClosed(client, endpointId, HOUR_MS);
      },
      async () => {
        if (isOverdue) await giveUpOverdue(client, endpointId, HOUR_MS, 100);
      },
      async () => {
        await party.commit();
        for (const step of look(party, lane)) await step();
      },
    ],
  };
}

/** Closed for two hours, and what it holds due for as long. */
async function makeOverdue({ endpointId }: EndpointFixture): Promise<void> {
  await pool().query(
    `update webhook_endpoints
        set state_changed_at = now() - interval '2 hours',
            broken_since = case when "window" = 0 then now() - interval '2 hours' end where id = $1`,
    [endpointId],
  );
  await pool().query(
    `update deliveries set due_at = now() - interval '2 hours' where endpoint_id = $1 and state = 'waiting'`,
    [endpointId],
  );
}

interface Situation {
  readonly endpoint?: EndpointOptions;
  readonly states: readonly DeliveryState[];
  readonly isOverdue?: boolean;
}

/** Runs the scripts in every order of their steps; gives how often each end of the lane was seen. */
async function runAll(
  { endpoint: options, states, isOverdue = false }: Situation,
  lengths: readonly number[],
  build: (lane: Lane, endpoint: EndpointFixture) => Promise<readonly Script[]>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const turns of interleavings(lengths)) {
    const endpoint = await insertEndpoint(pool(), options);
    const lane = await insertLane(endpoint, states);
    if (isOverdue) await makeOverdue(endpoint);
    const scripts = await build(lane, endpoint);
    expect(scripts.map(({ steps }) => steps.length)).toEqual(lengths);
    await runInterleaved(scripts, turns);
    const end = (await readStates(pool(), lane.orderId)).join(' ');
    counts[end] = (counts[end] ?? 0) + 1;
  }
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  expect(await findOverfilledEndpoints(pool())).toEqual([]);
  expect(await findQueuedAtClosed()).toEqual([]);
  return counts;
}

/** What is in the queue, unclaimed, of an endpoint that is sent nothing. */
async function findQueuedAtClosed(): Promise<unknown[]> {
  const { rows } = await pool().query(
    `select d.id from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
      where d.state = 'queued' and d.claim_token is null and not d.is_probe
        and (e.state <> 'active' or e."window" = 0)`,
  );
  return rows;
}

async function createParties<const Names extends readonly string[]>(...names: Names) {
  const createParty = await createStage(subject.url);
  const parties = [];
  for (const name of names) parties.push(await createParty(name));
  return parties as { [Index in keyof Names]: Party };
}

describe('in every order of their statements', { timeout: 90_000 }, () => {
  test('a pause, a promotion and a claim: what is being sent goes on, everything else waits', async () => {
    const [pauser, relay, worker] = await createParties('pauser', 'relay', 'worker');
    const counts = await runAll({ states: ['queued', 'blocked'] }, [2, 2, 2], async (lane, endpoint) => {
      const other = await insertLane(endpoint, ['waiting']);
      const [lock, write, commit] = buildStateChange(pauser, lane, 'paused').steps;
      const [seek, lockToMove, move] = lookInSteps(relay, other);
      const [queued] = await readDeliveries(pool(), lane.orderId);
      const job = { deliveryId: queued?.id ?? '', generation: 1 };
      return [
        { party: pauser, steps: [asOne(lock, write), asOne(commit)] },
        { party: relay, steps: [asOne(seek, lockToMove), asOne(move)] },
        buildClaim(worker, lane, job),
      ];
    });
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'waiting blocked']);
    const { rows } = await pool().query(
      `select count(*)::int as attempts, (select count(*)::int from deliveries where claim_token is not null) as claimed
         from delivery_attempts`,
    );
    expect(rows).toEqual([{ attempts: counts['queued blocked'], claimed: counts['queued blocked'] }]);
  });

  test('a resumption and a claim by an old job: it goes once, under its new generation', async () => {
    const [resumer, worker] = await createParties('resumer', 'worker');
    const situation = { endpoint: { state: 'paused' }, states: ['waiting', 'blocked'] } as const;
    const counts = await runAll(situation, [4, 2], async (lane) => {
      const [waiting] = await readDeliveries(pool(), lane.orderId);
      return [
        buildStateChange(resumer, lane, 'active'),
        buildClaim(worker, lane, { deliveryId: waiting?.id ?? '', generation: 0 }),
      ];
    });
    expect(counts).toEqual({ 'queued blocked': 15 });
    expect((await pool().query('select from delivery_attempts')).rowCount).toBe(0);
  });

  test('a pause and a resumption of what is queued: as whoever came last wants it', async () => {
    const [pauser, resumer] = await createParties('pauser', 'resumer');
    const counts = await runAll({ states: ['queued', 'blocked'] }, [3, 4], async (lane) => [
      buildStateChange(pauser, lane, 'paused'),
      buildStateChange(resumer, lane, 'active'),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'waiting blocked']);
  });

  test('giving up and a resumption: it is given up, or it goes', async () => {
    const [giver, resumer] = await createParties('giver', 'resumer');
    const situation = {
      endpoint: { state: 'paused' },
      states: ['waiting', 'blocked'],
      isOverdue: true,
    } as const;
    const counts = await runAll(situation, [3, 4], async (lane) => [
      buildGivingUp(giver, lane),
      buildStateChange(resumer, lane, 'active'),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['failed queued', 'queued blocked']);
  });

  test('giving up and a recovery, which takes the row’s lock alone', async () => {
    const [giver, worker] = await createParties('giver', 'worker');
    const situation = { endpoint: { window: 0 }, states: ['waiting', 'blocked'], isOverdue: true } as const;
    const counts = await runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(giver, lane),
      {
        party: worker,
        steps: [
          async () => {
            await worker.begin();
            await lockEndpointRow(worker.client, lane.endpointId);
            await worker.client.query(
              `update webhook_endpoints set "window" = 1, broken_since = null, window_changed_at = clock_timestamp()
                where id = $1`,
              [lane.endpointId],
            );
          },
          () => worker.commit(),
          ...look(worker, lane),
        ],
      },
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['failed queued', 'queued blocked']);
    const { rows } = await pool().query(
      `select d.id from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
        where d.state = 'failed' and d.finished_at > e.window_changed_at`,
    );
    expect(rows).toEqual([]);
  });

  test('giving up and a change of the order: the change is next, whether it saw the end or not', async () => {
    const [giver, changer] = await createParties('giver', 'changer');
    const situation = { endpoint: { state: 'disabled' }, states: ['waiting'], isOverdue: true } as const;
    const counts = await runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(giver, lane),
      await buildChange(pool(), changer, lane, look),
    ]);
    expect(counts).toEqual({ 'failed waiting': 20 });
  });

  test('two give up at once: each delivery ends once', async () => {
    const [one, other] = await createParties('one', 'other');
    const situation = {
      endpoint: { state: 'paused' },
      states: ['waiting', 'blocked'],
      isOverdue: true,
    } as const;
    const counts = await runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(one, lane),
      buildGivingUp(other, lane),
    ]);
    expect(counts).toEqual({ 'failed waiting': 20 });
  });
});
