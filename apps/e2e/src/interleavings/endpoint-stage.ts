/** Lanes of endpoints in a database of their own, and what must hold of them after each way the scripts can go. */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { Lane } from '@vendor-server/platform/deliveries/promote-sql.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '@vendor-server/platform/testing/interleave.ts';
import {
  findLanesWithTwoHeads,
  findOverfilledEndpoints,
  findStrandedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { createPartyStage } from '@vendor-server/platform/testing/party-stage.ts';
import type pg from 'pg';
import { expect } from 'vitest';

export interface Situation {
  readonly endpoint?: EndpointOptions;
  readonly states: readonly DeliveryState[];
  /** An SQL text over `$1`, the endpoint's id: what has become of it until now. */
  readonly prepare?: string;
}

/** As `createPartyStage`, for lanes of endpoints. */
export function createEndpointStage() {
  const stage = createPartyStage();
  const { pool } = stage;

  return {
    ...stage,

    async insertLane(endpoint: EndpointFixture, states: readonly DeliveryState[]): Promise<Lane> {
      const { endpointId } = endpoint;
      return { endpointId, orderId: (await insertOrder(pool(), endpoint, states)).orderId };
    },

    /** Runs the scripts in every order of their steps; gives how often each end of the lane was seen. */
    async runAll(
      { endpoint: options, states, prepare }: Situation,
      lengths: readonly number[],
      build: (lane: Lane, endpoint: EndpointFixture) => Promise<readonly Script[]>,
    ): Promise<Record<string, number>> {
      const counts: Record<string, number> = {};
      for (const turns of interleavings(lengths)) {
        const endpoint = await insertEndpoint(pool(), options);
        const lane = await this.insertLane(endpoint, states);
        if (prepare !== undefined) await pool().query(prepare, [endpoint.endpointId]);
        const scripts = await build(lane, endpoint);
        expect(scripts.map(({ steps }) => steps.length)).toEqual(lengths);
        await runInterleaved(scripts, turns);
        const end = (await readStates(pool(), lane.orderId)).join(' ');
        counts[end] = (counts[end] ?? 0) + 1;
      }
      expect(await findStrandedLanes(pool())).toEqual([]);
      expect(await findLanesWithTwoHeads(pool())).toEqual([]);
      expect(await findOverfilledEndpoints(pool())).toEqual([]);
      expect(await findQueuedAtClosed(pool())).toEqual([]);
      return counts;
    },
  };
}

/** What is in the queue, unclaimed, of an endpoint that is sent nothing. */
async function findQueuedAtClosed(pool: pg.Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select d.id from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
      where d.state = 'queued' and d.claim_token is null and not d.is_probe
        and (e.state <> 'active' or e."window" = 0)`,
  );
  return rows;
}
