import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { decideHealthState } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { logEndpointState } from '@vendor-server/platform/logging/log-endpoint-state.ts';
import type { Logger } from 'pino';
import type { ClaimedDelivery } from './claim-sql.ts';
import { noteFailure, noteSuccess } from './endpoint-health-sql.ts';
import type { RecordedStep } from './record-sql.ts';

interface NoteDeps {
  readonly executor: SqlExecutor;
  readonly logger: Logger;
}
type Attempted = Pick<ClaimedDelivery, 'endpointId' | 'customerServerId' | 'isSuccessNews'>;

const ACTOR = { type: 'worker', id: null } as const;

/**
 * Keeps what an operator wants to know of an endpoint: since when it fails, how, and when it last worked. Written
 * on each failure, on the first success after one, and otherwise once a minute at most: an endpoint that works
 * costs its deliveries nothing. Refusing the first of two shared secrets is no failure, the other one is tried.
 *
 * Never fails: nothing of the delivery rests on it, and the next attempt notes the same.
 */
export async function noteEndpointHealth(
  deps: NoteDeps,
  claimed: Attempted,
  result: AttemptResult,
  step: RecordedStep,
): Promise<void> {
  const { endpointId } = claimed;
  try {
    if (step.kind === 'delivered') {
      if (claimed.isSuccessNews) await noteRecovery(deps, claimed);
    } else if (step.kind !== 'retry_with_other_secret') {
      await noteTrouble(deps, claimed, describeOutcome(result));
    }
  } catch (error) {
    deps.logger.warn({ err: error, endpointId }, 'Endpoint health could not be noted');
  }
}

/** "rejected 503", "timed_out" */
export function describeOutcome({ outcome, responseStatus }: AttemptResult): string {
  return responseStatus === null ? outcome : `${outcome} ${responseStatus}`;
}

async function noteTrouble(
  { executor, logger }: NoteDeps,
  { endpointId, customerServerId }: Attempted,
  reason: string,
): Promise<void> {
  const now = await noteFailure(executor, endpointId, reason);
  if (now === null) return;
  const from = decideHealthState({ ...now, consecutiveFailures: now.consecutiveFailures - 1 });
  const to = decideHealthState(now);
  if (from !== to) logEndpointState(logger, { endpointId, customerServerId, from, to, reason, actor: ACTOR });
}

async function noteRecovery(
  { executor, logger }: NoteDeps,
  { endpointId, customerServerId }: Attempted,
): Promise<void> {
  const before = await noteSuccess(executor, endpointId);
  if (before === null) return;
  const from = decideHealthState(before);
  const to = decideHealthState({ ...before, consecutiveFailures: 0 });
  if (from === to) return;
  const reason = `It accepts webhooks again; it failed since ${before.failingSince?.toISOString()}.`;
  logEndpointState(logger, { endpointId, customerServerId, from, to, reason, actor: ACTOR });
}
