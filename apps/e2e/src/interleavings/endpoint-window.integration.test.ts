/**
 * A window that closes, and one that opens, against everything that moves the endpoint's deliveries meanwhile, each on
 * a connection of its own: nothing is left in the queue that is not sent, and nothing is left standing.
 */
import { decideWindow } from '@vendor-server/domain/endpoints/decide-window.ts';
import { type Lane, lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import {
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
import type { Party } from '@vendor-server/platform/testing/party.ts';
import { createPartyStage } from '@vendor-server/platform/testing/party-stage.ts';
import { claimDelivery } from '@vendor-server/worker/deliveries/claim-sql.ts';
import {
  lockEndpointRecord,
  lockIfClosed,
  writeEndpointRecords,
} from '@vendor-server/worker/deliveries/endpoint-health-sql.ts';
import { settleRefusal } from '@vendor-server/worker/deliveries/refusal-sql.ts';
import { startProbes } from '@vendor-server/worker/relay/probe-sql.ts';
import { endCooldown, restWindow } from '@vendor-server/worker/testing/shift-time-sql.ts';
import { describe, expect, test } from 'vitest';
import { buildChange, look } from './lane-scripts.ts';

const { pool, createParties } = createPartyStage();

/** What ships, with the places where others can come: the decision, its commit, and what follows it. */
function buildReport(
  party: Party,
  lane: Lane,
  signal: 'accepted' | 'silent',
  after: Script['steps'],
): Script {
  const { client } = party;
  const { endpointId, orderId } = lane;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        const locked = await lockEndpointRecord(client, endpointId);
        if (locked === null) throw new Error('the endpoint is gone');
        const { record, now } = locked;
        const report = { signal, orderId, begunAt: now, isProbe: false, askedWaitMs: 0, successes: null };
        const decided = decideWindow(record, report, now, 0.5);
        await writeEndpointRecords(client, [{ ...locked, record: { ...record, ...decided } }]);
      },
      () => party.commit(),
      ...after,
    ],
  };
}

function putBack(party: Party, { endpointId }: Lane): Script['steps'] {
  return [
    async () => {
      await party.begin();
      await lockEndpoint(party.client, endpointId);
      if (await lockIfClosed(party.client, endpointId)) await putBackUnclaimed(party.client, endpointId);
    },
    () => party.commit(),
  ];
}

/** A job is taken; refused, its delivery is put back, and the lane looked at. */
async function buildJob(party: Party, lane: Lane): Promise<Script> {
  const [head] = await readDeliveries(pool(), lane.orderId);
  const job = { deliveryId: head?.id ?? '', generation: head?.generation ?? 0 };
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

/** What is in the queue of a broken endpoint: unclaimed, its jobs put it back one by one. */
async function runLeftOverJobs(): Promise<void> {
  const { rows } = await pool().query<{ deliveryId: string; generation: number }>(
    `select d.id as "deliveryId", d.generation from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
      where d.state = 'queued' and d.claim_token is null and not d.is_probe and e."window" = 0`,
  );
  for (const job of rows) {
    expect(await claimDelivery(pool(), job, 'left over', 10_000)).toBeNull();
    expect(await settleRefusal(pool(), job)).toMatchObject({ kind: 'endpoint_closed' });
  }
}

async function runAll(
  window: number,
  states: Parameters<typeof insertOrder>[2],
  lengths: readonly number[],
  build: (lane: Lane) => Promise<readonly Script[]>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const turns of interleavings(lengths)) {
    const endpoint = await insertEndpoint(pool(), { window });
    await restWindow(pool(), endpoint.endpointId);
    const { orderId } = await insertOrder(pool(), endpoint, states);
    const scripts = await build({ endpointId: endpoint.endpointId, orderId });
    expect(scripts.map(({ steps }) => steps.length)).toEqual(lengths);
    await runInterleaved(scripts, turns);
    await runLeftOverJobs();
    const end = (await readStates(pool(), orderId)).join(' ');
    counts[end] = (counts[end] ?? 0) + 1;
  }
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  return counts;
}

describe('in every order of their statements', { timeout: 180_000 }, () => {
  test('a close and a claim: it is sent, or it waits', async () => {
    const [closer, worker] = await createParties('closer', 'worker');
    const counts = await runAll(1, ['queued', 'blocked'], [4, 2], async (lane) => [
      buildReport(closer, lane, 'silent', putBack(closer, lane)),
      await buildJob(worker, lane),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['queued blocked', 'waiting blocked']);
    const { rows } = await pool().query('select 1 from deliveries where claim_token is not null');
    expect(rows).toHaveLength(counts['queued blocked'] ?? 0);
  });

  test('a close, a change and the looks after both: the change waits', async () => {
    const [closer, api] = await createParties('closer', 'api');
    const counts = await runAll(1, ['delivered'], [4, 3], async (lane) => [
      buildReport(closer, lane, 'silent', putBack(closer, lane)),
      await buildChange(pool(), api, lane, look),
    ]);
    expect(counts).toEqual({ 'delivered waiting': 35 });
  });

  test('a close and a promotion: what was promoted a moment too late is put back, too', async () => {
    const [closer, relay] = await createParties('closer', 'relay');
    const counts = await runAll(1, ['waiting', 'blocked'], [4, 1], async (lane) => [
      buildReport(closer, lane, 'silent', putBack(closer, lane)),
      { party: relay, steps: look(relay, lane) },
    ]);
    expect(counts).toEqual({ 'waiting blocked': 5 });
  });

  test('an opening against the putting back of the close before: it goes', async () => {
    const [closer, opener] = await createParties('closer', 'opener');
    const counts = await runAll(0, ['queued', 'blocked'], [2, 3], async (lane) => [
      { party: closer, steps: putBack(closer, lane) },
      buildReport(opener, lane, 'accepted', look(opener, lane)),
    ]);
    expect(counts).toEqual({ 'queued blocked': 10 });
    expect(await findOverfilledEndpoints(pool())).toEqual([]);
  });

  test('an opening and the start of a probe: it goes once, as the one or the other', async () => {
    const [opener, relay] = await createParties('opener', 'relay');
    const counts = await runAll(0, ['waiting', 'blocked'], [3, 3], async (lane) => {
      await endCooldown(pool(), lane.endpointId);
      return [
        buildReport(opener, lane, 'accepted', look(opener, lane)),
        {
          party: relay,
          steps: [
            () => relay.begin(),
            () => startProbes(relay.client, [lane.endpointId]),
            () => relay.commit(),
          ],
        },
      ];
    });
    expect(counts).toEqual({ 'queued blocked': 20 });
    const { rows } = await pool().query('select distinct generation from deliveries where generation > 0');
    expect(rows).toEqual([{ generation: 1 }]);
    expect(await findOverfilledEndpoints(pool())).toEqual([]);
  });
});
