/** What the API and the workers do to an endpoint, as steps that others can come between. */
import {
  lockEndpointRow,
  writeEndpointState,
} from '@vendor-server/api/webhook-endpoints/endpoint-state-sql.ts';
import {
  decideEndpointState,
  type EndpointStateAction,
  type EndpointStateDecision,
} from '@vendor-server/domain/endpoints/decide-endpoint-state.ts';
import { type Lane, lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import type { Script } from '@vendor-server/platform/testing/interleave.ts';
import type { Party } from '@vendor-server/platform/testing/party.ts';
import { claimDelivery } from '@vendor-server/worker/deliveries/claim-sql.ts';
import {
  lockEndpointRecord,
  lockIfClosed,
  writeEndpointRecords,
} from '@vendor-server/worker/deliveries/endpoint-health-sql.ts';
import { settleRefusal } from '@vendor-server/worker/deliveries/refusal-sql.ts';
import { giveUpOverdue, lockLongClosed } from '@vendor-server/worker/holds/hold-sql.ts';
import { look } from './lane-scripts.ts';

/** What ships, with the places where others can come: after the locks, and before the commit. */
export function buildAction(party: Party, lane: Lane, action: EndpointStateAction): Script {
  const { client } = party;
  const { endpointId } = lane;
  let decision: EndpointStateDecision = { kind: 'unchanged' };
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await lockEndpoint(client, endpointId);
        const { state } = (await lockEndpointRow(client, endpointId)) ?? { state: 'active' };
        decision = decideEndpointState({ state, isPausedBySetting: false, action });
      },
      async () => {
        if (decision.kind !== 'changed') return;
        const { to: state, startsSmall } = decision;
        await writeEndpointState(client, endpointId, { state, reason: null, startsSmall });
        if (state !== 'active') await putBackUnclaimed(client, endpointId);
      },
      () => party.commit(),
      ...(action === 'pause' ? [] : look(party, lane)),
    ],
  };
}

/** A worker learns that the endpoint is gone: what ships, with the place between its two transactions. */
export function buildDisabling(party: Party, { endpointId }: Lane): Script {
  const { client } = party;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        const locked = await lockEndpointRecord(client, endpointId);
        if (locked?.record.state !== 'active') return;
        await writeEndpointRecords(client, [{ ...locked, record: { ...locked.record, state: 'disabled' } }]);
      },
      () => party.commit(),
      async () => {
        await party.begin();
        await lockEndpoint(client, endpointId);
      },
      async () => {
        if (await lockIfClosed(client, endpointId)) await putBackUnclaimed(client, endpointId);
        await party.commit();
      },
    ],
  };
}

/** A job of the lane's first delivery is taken; refused, it is put back where it belongs, and the lane looked at. */
export function buildClaim(
  party: Party,
  lane: Lane,
  job: { deliveryId: string; generation: number },
): Script {
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

/** How long a delivery may be held here. */
export const MAX_HOLD_MS = 3_600_000;

/** What ships, with the places where others can come. */
export function buildGivingUp(party: Party, lane: Lane): Script {
  const { client } = party;
  const { endpointId } = lane;
  let isOverdue = false;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await lockEndpoint(client, endpointId);
        isOverdue = await lockLongClosed(client, endpointId, MAX_HOLD_MS);
      },
      async () => {
        if (isOverdue) await giveUpOverdue(client, endpointId, MAX_HOLD_MS, 100);
      },
      async () => {
        await party.commit();
        for (const step of look(party, lane)) await step();
      },
    ],
  };
}
