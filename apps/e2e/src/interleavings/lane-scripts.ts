/** What the API and the workers do to one lane, as steps that others can come between. */
import { writeOrderChanges } from '@vendor-server/api/orders/changes-together-sql.ts';
import { writeOrderChange } from '@vendor-server/api/orders/order-change-sql.ts';
import { decideCancellation } from '@vendor-server/api/testing/decide-cancellation.ts';
import { isUniqueViolation } from '@vendor-server/platform/database/database-errors.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { moveUnderLock, promote } from '@vendor-server/platform/deliveries/promote.ts';
import {
  findMovable,
  type Lane,
  lockEndpoint,
  lockFreeEndpoints,
  type Movable,
  moveDueHeads,
  moveLanesNext,
} from '@vendor-server/platform/deliveries/promote-sql.ts';
import { lockOrders, reopenDeliveries } from '@vendor-server/platform/deliveries/reopen-sql.ts';
import { readDeliveries } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import type { Script } from '@vendor-server/platform/testing/interleave.ts';
import type { Party } from '@vendor-server/platform/testing/party.ts';
import { claimDelivery } from '@vendor-server/worker/deliveries/claim-sql.ts';
import {
  type RecordedStep,
  recordAttempt,
  recordAttempts,
} from '@vendor-server/worker/deliveries/record-sql.ts';
import type pg from 'pg';

/** How a side looks after its commit, as steps. */
export type Look = (party: Pick<Party, 'client' | 'begin' | 'commit'>, lane: Lane) => Script['steps'];

export const dontLook: Look = () => [];

/** What ships, at one go, on the party's own connection: another one's waits would not be seen. */
export const look: Look = ({ client }, { endpointId, orderId }) => {
  const connection = { query: client.query.bind(client), release: () => undefined };
  const pool = { ...connection, connect: async () => connection } as unknown as pg.Pool;
  return [() => promote({ pool }, endpointId, [orderId])];
};

/** The same as its statements, so that the other side can come between them. */
export const lookInSteps: Look = ({ client, begin, commit }, lane) => {
  let found: readonly Movable[] = [];
  const ifFound = (run: () => Promise<unknown>) => async () => {
    if (found.length > 0) await run();
  };
  return [
    async () => {
      found = await findMovable(client, [{ endpointId: lane.endpointId, orderIds: [lane.orderId] }]);
    },
    ifFound(async () => {
      await begin();
      await lockEndpoint(client, lane.endpointId);
    }),
    ifFound(async () => {
      try {
        await moveLanesNext(client, found);
      } catch (error) {
        if (!isUniqueViolation(error, 'deliveries_lane_head_key')) throw error;
        // As promote does: the lane got its head from somebody who has committed by now.
        await client.query('rollback');
        for (const step of look({ client, begin, commit }, lane)) await step();
        return;
      }
      await moveDueHeads(client, [lane.endpointId]);
      await commit();
    }),
  ];
};

/**
 * A look at several endpoints that moves what can move of them in one transaction, as its statements. Without the group's
 * limit on waiting for a lock: whoever comes between is waited for.
 */
export function lookInGroup(
  { client, begin, commit }: Pick<Party, 'client' | 'begin' | 'commit'>,
  lanes: readonly Lane[],
): Script['steps'] {
  let found: readonly Movable[] = [];
  let free: readonly Movable[] = [];
  return [
    async () => {
      found = await findMovable(
        client,
        lanes.map(({ endpointId, orderId }) => ({ endpointId, orderIds: [orderId] })),
      );
    },
    async () => {
      await begin();
      const ids = found.map(({ endpointId }) => endpointId);
      const locked = await lockFreeEndpoints(client, ids);
      free = found.filter(({ endpointId }) => locked.has(endpointId));
    },
    async () => {
      try {
        await moveUnderLock(client, free);
      } catch (error) {
        if (!isUniqueViolation(error, 'deliveries_lane_head_key')) throw error;
        await client.query('rollback');
        free = [];
      }
    },
    async () => {
      await commit();
      const left = lanes.filter(({ endpointId }) => free.every((moved) => moved.endpointId !== endpointId));
      for (const lane of left) for (const step of look({ client, begin, commit }, lane)) await step();
    },
  ];
}

/**
 * The order is cancelled, on the version read before the script begins; decided again when that is not the
 * order's any more, or the lane got another head.
 *
 * @param onRefused told of every time that the lane's index refused the change's own delivery
 */
export async function buildChange(
  executor: SqlExecutor,
  party: Party,
  lane: Lane,
  lookAfter: Look,
  onRefused: () => void = () => undefined,
): Promise<Script> {
  let decided = await decideCancellation(executor, lane.orderId);

  async function write(): Promise<void> {
    await party.begin();
    try {
      // As an API does: together with others, and alone when that left it out.
      const [together] = await writeOrderChanges(party.client, [decided]);
      if ((together ?? (await writeOrderChange(party.client, decided.order, decided.record))) !== null)
        return;
    } catch (error) {
      if (!isUniqueViolation(error, 'deliveries_lane_head_key')) throw error;
      onRefused();
    }
    await party.client.query('rollback');
    decided = await decideCancellation(executor, lane.orderId);
    await write();
  }

  return { party, steps: [write, () => party.commit(), ...lookAfter(party, lane)] };
}

/** What ships of a resend, with the place between lock and statement where others can come. */
export function buildResend(
  party: Party,
  lane: Lane & { readonly deliveryIds: readonly string[] },
  version: number,
  lookAfter: Look,
  onEnd: (refusal: string | null | undefined) => void = () => undefined,
): Script {
  const deliveryId = lane.deliveryIds[version - 1] ?? '';
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        await lockOrders(party.client, [lane.orderId], 'wait');
      },
      async () => {
        const [reopened] = await reopenDeliveries(party.client, [deliveryId], { by: 'resend' });
        onEnd(reopened?.refusal);
      },
      () => party.commit(),
      ...lookAfter(party, lane),
    ],
  };
}

/** The attempt of the lane's `queued` head has got its answer. */
export async function buildEnd(
  executor: SqlExecutor,
  party: Party,
  lane: Lane,
  step: RecordedStep,
  lookAfter: Look,
): Promise<Script> {
  const head = (await readDeliveries(executor, lane.orderId)).find(({ state }) => state === 'queued');
  if (head === undefined) throw new Error('the lane has no head in the queue');
  await claimDelivery(executor, { deliveryId: head.id, generation: head.generation }, 'token', 10_000);
  const key = { deliveryId: head.id, attemptNumber: head.attemptCount + 1, token: 'token' };
  const result = {
    outcome: 'acknowledged',
    reason: 'accepted',
    responseStatus: 200,
    responseExcerpt: null,
    retryAfter: null,
    error: null,
    durationMs: 5,
  } as const;
  return {
    party,
    steps: [
      async () => {
        await party.begin();
        // As a worker does: together with others, and alone when that left it out.
        const { states } = await recordAttempts(party.client, [{ key, result, step }]);
        if (states[0] === null) await recordAttempt(party.client, key, result, step);
      },
      () => party.commit(),
      ...lookAfter(party, lane),
    ],
  };
}

type Step = Script['steps'][number];

/** Steps that nobody comes between, where every order of all of them would be too many. */
export function asOne(...steps: readonly (Step | undefined)[]): Step {
  return async () => {
    for (const step of steps) await step?.();
  };
}
