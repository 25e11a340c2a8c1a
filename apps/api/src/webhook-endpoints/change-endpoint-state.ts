/**
 * Pausing, resuming, enabling and deleting an endpoint. Each is one transaction under the endpoint's advisory lock,
 * then its row, then its deliveries by id: the order in which everybody takes them. After the commit whoever
 * opened or deleted it looks what can move (see promote), and whoever commits a delivery meanwhile looks, too.
 */
import {
  decideEndpointState,
  type EndpointStateAction,
} from '@vendor-server/domain/endpoints/decide-endpoint-state.ts';
import {
  PAUSED_BY_CUSTOMER_SERVER,
  PAUSED_BY_OPERATOR,
} from '@vendor-server/domain/endpoints/pause-reasons.ts';
import type { EndpointState } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { Actor } from '@vendor-server/domain/orders/actor.ts';
import { URL_UNSET_REASON } from '@vendor-server/platform/customer-servers/apply-default-webhook-url.ts';
import {
  retryTransient,
  type SqlExecutor,
  withTransaction,
} from '@vendor-server/platform/database/sql-executor.ts';
import { lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { cancelUnclaimed, putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import { logEndpointState } from '@vendor-server/platform/logging/log-endpoint-state.ts';
import type { FastifyBaseLogger } from 'fastify';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import {
  type LockedEndpoint,
  lockEndpointRow,
  writeEndpointDeletion,
  writeEndpointState,
} from './endpoint-state-sql.ts';

type StateDeps = Pick<AppDeps, 'database' | 'dispatcher' | 'metrics'>;

/** Whose doing it is, and the log of the request that asked. */
export interface EndpointActor {
  readonly actor: Actor;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>;
}

/**
 * @param endpointId of an endpoint that was found within the caller's scope
 * @throws ApiError `not_found`, `endpoint_paused`, `endpoint_disabled`
 */
export async function changeEndpointState(
  deps: StateDeps,
  endpointId: string,
  action: EndpointStateAction,
  { actor, log }: EndpointActor,
): Promise<void> {
  const change = await underLock(deps, endpointId, async (client, stored) => {
    const isPausedBySetting = stored.state === 'paused' && stored.stateReason === URL_UNSET_REASON;
    const decision = decideEndpointState({ state: stored.state, isPausedBySetting, action });
    if (decision.kind === 'unchanged') return null;
    if (decision.kind === 'refused') throw new ApiError(decision.code, { message: decision.message });
    const { to, startsSmall } = decision;
    const reason = describeReason(to, actor);
    await writeEndpointState(client, endpointId, { state: to, reason, startsSmall });
    if (to !== 'active') await putBackUnclaimed(client, endpointId);
    return { customerServerId: stored.customerServerId, from: stored.state, to, reason };
  });
  if (change === null) return;
  logEndpointState(log, { endpointId, ...change, actor });
  if (change.to === 'active') await lookAgain(deps, endpointId);
}

/**
 * Its history stays; what it was not told yet it is not told any more. An attempt that is under way ends by its
 * record, and is not tried again. A long backlog ends in parts, by the relay's looks.
 *
 * @param endpointId of an endpoint that was found within the caller's scope
 * @returns when it was deleted
 * @throws ApiError `not_found`
 */
export async function deleteEndpoint(
  deps: StateDeps,
  endpointId: string,
  { actor, log }: EndpointActor,
): Promise<Date> {
  const { deletedAt, cancelled, ...change } = await underLock(deps, endpointId, async (client, stored) => {
    const at = await writeEndpointDeletion(client, endpointId);
    const cancelled = await cancelUnclaimed(client, endpointId);
    return { deletedAt: at, cancelled, customerServerId: stored.customerServerId, from: stored.state };
  });
  deps.metrics.countFinished('cancelled', cancelled);
  logEndpointState(log, { endpointId, ...change, to: 'deleted', reason: null, actor });
  await lookAgain(deps, endpointId);
  return deletedAt;
}

function underLock<Result>(
  { database }: StateDeps,
  endpointId: string,
  fn: (client: SqlExecutor, stored: LockedEndpoint) => Promise<Result>,
): Promise<Result> {
  return retryTransient(() =>
    withTransaction(database.pool, async (client) => {
      await lockEndpoint(client, endpointId);
      const stored = await lockEndpointRow(client, endpointId);
      if (stored === null) throw new ApiError('not_found');
      return fn(client, stored);
    }),
  );
}

function lookAgain({ dispatcher }: StateDeps, endpointId: string): Promise<void> {
  return dispatcher.dispatch({ jobs: [], lanes: [{ endpointId, orderId: null }] });
}

function describeReason(to: EndpointState, actor: Actor): string | null {
  if (to === 'active') return null;
  return actor.type === 'admin' ? PAUSED_BY_OPERATOR : PAUSED_BY_CUSTOMER_SERVER;
}
