import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { readAskedWaitMs } from '@vendor-server/domain/deliveries/decide-after-attempt.ts';
import { describeOutcome } from '@vendor-server/domain/deliveries/describe-outcome.ts';
import { LARGEST_WINDOW } from '@vendor-server/domain/endpoints/decide-window.ts';
import { decideHealthState } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import { readEndpointSignal } from '@vendor-server/domain/endpoints/endpoint-signal.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { logEndpointState } from '@vendor-server/platform/logging/log-endpoint-state.ts';
import type { Logger } from 'pino';
import type { ClaimedDelivery } from './claim-sql.ts';
import { createEndpointMemory } from './create-endpoint-memory.ts';
import { createKeyedBatches } from './create-keyed-batches.ts';
import type { RecordedStep } from './record-sql.ts';
import {
  type AttemptReport,
  createReportSettler,
  putBackIfClosed,
  type SettledReports,
} from './settle-reports.ts';

/** What is read of a claim to say what its attempt shows of the endpoint. */
export type Attempted = Pick<
  ClaimedDelivery,
  | 'endpointId'
  | 'customerServerId'
  | 'url'
  | 'orderId'
  | 'attemptedAt'
  | 'isProbe'
  | 'isSuccessNews'
  | 'window'
  | 'windowChangedAt'
>;

export interface EndpointHealthNotes {
  /**
   * Notes what an attempt shows of its endpoint: its window, and what an operator wants to know. Resolves when that
   * is written, so that the look that follows finds the room a larger window gives. Never rejects: nothing of the
   * delivery rests on it, and the next attempt notes the same.
   */
  note(claimed: Attempted, result: AttemptResult, step: RecordedStep): Promise<void>;
}

interface NoteDeps {
  readonly database: Pick<Database, 'pool'>;
  readonly logger: Logger;
  /** Gives numbers from 0 to 1; `Math.random` unless a test decides. */
  readonly random?: () => number;
}

interface HandedReport extends AttemptReport {
  readonly customerServerId: string;
}

const ACTOR = { type: 'worker', id: null } as const;

/**
 * Written on each failure, on the first success after one, when a window is full of successes, and otherwise once a
 * minute at most: an endpoint that works costs its deliveries nothing.
 *
 * The claim says whether a success would be news. One that was claimed before a failure does not know of it: what
 * this worker's own attempts met is remembered, and of another worker's failure the next claim knows.
 */
export function createEndpointHealthNotes({
  database,
  logger,
  random = Math.random,
}: NoteDeps): EndpointHealthNotes {
  const memory = createEndpointMemory();
  const settler = createReportSettler(database, random);
  const batches = createKeyedBatches<HandedReport>(async (endpointId, reports) => {
    const settled = await settler.settle({ endpointId, reports });
    if (settled === null) return;
    if (settled.after.failingSince === null) memory.forgiveFailure(endpointId);
    const [{ customerServerId }] = reports;
    logHealth(logger, { endpointId, customerServerId }, settled);
    await putBackIfClosed(database, endpointId, settled).catch((error: unknown) => {
      logger.warn({ err: error, endpointId }, 'Jobs of a closed endpoint are put back one by one');
    });
  });

  /** Null when there is nothing to write. */
  function buildReport(claimed: Attempted, result: AttemptResult, step: RecordedStep): HandedReport | null {
    const { endpointId, customerServerId, url, orderId, isProbe, attemptedAt: begunAt } = claimed;
    const signal = readEndpointSignal(result.reason);
    // Another attempt follows at once and tells more; but an answer is an answer when the endpoint was broken.
    const isFailure = step.kind !== 'retry_with_other_secret';
    if (!isFailure && claimed.window > 0) return null;
    const successes = signal === 'accepted' ? countSuccess(claimed) : null;
    if (signal === 'accepted') {
      const isFull = successes !== null && successes.count >= claimed.window;
      const isNews = claimed.isSuccessNews || claimed.window === 0 || memory.hasFailed(endpointId);
      if (!isFull && !isNews) return null;
    } else if (isFailure) {
      memory.noteFailure(endpointId);
    }
    return {
      customerServerId,
      url,
      signal,
      orderId,
      begunAt,
      isProbe,
      isFailure,
      successes,
      askedWaitMs: readAskedWaitMs(result, new Date()),
      reason: describeOutcome(result),
      responseStatus: result.responseStatus,
    };
  }

  /** At the largest window nothing is counted. */
  function countSuccess({ endpointId, window, windowChangedAt }: Attempted): AttemptReport['successes'] {
    if (window === 0 || window >= LARGEST_WINDOW) return null;
    return { count: memory.countSuccess(endpointId, windowChangedAt), since: windowChangedAt };
  }

  return {
    async note(claimed, result, step) {
      const { endpointId } = claimed;
      const report = buildReport(claimed, result, step);
      if (report === null) return;
      try {
        await batches.hand(endpointId, report);
      } catch (error) {
        logger.warn({ err: error, endpointId }, 'Endpoint health could not be noted');
      }
    },
  };
}

function logHealth(
  logger: Logger,
  endpoint: { readonly endpointId: string; readonly customerServerId: string },
  { before, after }: SettledReports,
): void {
  const from = decideHealthState(before);
  const to = decideHealthState(after);
  if (from === to) return;
  const until = to === 'broken' ? after.nextProbeAt : null;
  logEndpointState(logger, { ...endpoint, from, to, reason: describeChange(), until, actor: ACTOR });

  function describeChange(): string | null {
    if (to === 'disabled') return after.stateReason;
    if (to !== 'healthy') return after.lastFailureReason;
    return `It accepts webhooks again; it failed since ${before.failingSince?.toISOString()}.`;
  }
}
