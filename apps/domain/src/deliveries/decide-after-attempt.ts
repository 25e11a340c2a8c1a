import type { AttemptOutcome, AttemptResult } from './attempt-outcome.ts';
import { parseRetryAfter } from './retry-after.ts';

/** Waits up to this long are held by the queue's own backoff; for longer ones the delivery gives up its room. */
const MAX_QUEUE_HOLD_MS = 10_000;

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;

/**
 * What each outcome leads to. `retry` holds while the budget lasts, `resume` tries again without using it, and
 * `by_status` asks `isRetriedStatus`.
 */
const AFTER_OUTCOME = {
  acknowledged: 'deliver',
  rejected: 'by_status',
  timed_out: 'retry',
  connection_failed: 'retry',
  dns_failed: 'retry',
  tls_failed: 'retry',
  malformed_response: 'retry',
  response_too_large: 'retry',
  blocked_address: 'fail',
  redirected: 'fail',
  interrupted: 'resume',
} as const satisfies Record<AttemptOutcome, 'deliver' | 'retry' | 'fail' | 'resume' | 'by_status'>;

/** Why a delivery ended without success: the outcome that is never retried, or a spent budget. */
export type AttemptFailureReason = AttemptOutcome | 'retries_exhausted';

export type AfterAttempt =
  | { kind: 'delivered' }
  /** `delayMs` from the end of the attempt; `database` means that its job ends and it takes no room. */
  | { kind: 'retry'; delayMs: number; holdIn: 'queue' | 'database' }
  /** At once, with the other of two shared secrets, and without using the budget. */
  | { kind: 'retry_with_other_secret' }
  | { kind: 'failed'; reason: AttemptFailureReason };

export interface AfterAttemptInput {
  result: AttemptResult;
  /** Attempts counted against the budget, this one included unless it came on top (a probe). */
  budgetUsed: number;
  /** The wait before each retry: one first attempt and as many retries as there are waits. */
  retryDelaysMs: readonly number[];
  /** The customer server's shared secret is being rotated, and this attempt carried the first choice of the two. */
  hasOtherSecret: boolean;
  /** The end of the attempt, by the clock that a `Retry-After` date is compared with. */
  now: Date;
}

/** Decides what follows an attempt: the outcome rules of the integration guide's "Webhook Reliability". */
export function decideAfterAttempt(input: AfterAttemptInput): AfterAttempt {
  const { outcome, responseStatus } = input.result;
  const action = AFTER_OUTCOME[outcome];
  switch (action) {
    case 'deliver':
      return { kind: 'delivered' };
    case 'resume':
      return { kind: 'retry', delayMs: 0, holdIn: 'queue' };
    case 'retry':
      return retryOrFail(input);
    case 'by_status':
      if (input.hasOtherSecret && isRefusedCredential(responseStatus))
        return { kind: 'retry_with_other_secret' };
      return isRetriedStatus(responseStatus) ? retryOrFail(input) : { kind: 'failed', reason: 'rejected' };
    case 'fail':
      return { kind: 'failed', reason: outcome };
  }
}

/** A receiver holds one secret at a time: 401 or 403 may only mean that it is the other one already, or still. */
function isRefusedCredential(status: number | null): boolean {
  return status === UNAUTHORIZED || status === FORBIDDEN;
}

/** 408, 429 and 5xx. A status from 600 on is not HTTP's, and RFC 9110 section 15 has it treated as a 5xx. */
function isRetriedStatus(status: number | null): boolean {
  return status !== null && (status === REQUEST_TIMEOUT || status === TOO_MANY_REQUESTS || status >= 500);
}

function retryOrFail({ result, budgetUsed, retryDelaysMs, now }: AfterAttemptInput): AfterAttempt {
  if (budgetUsed > retryDelaysMs.length) return { kind: 'failed', reason: 'retries_exhausted' };
  // Nothing is used yet after a probe that came before the first attempt.
  const plannedMs = retryDelaysMs[Math.max(budgetUsed - 1, 0)] ?? 0;
  const delayMs = Math.max(plannedMs, askedWaitMs(result, now));
  return { kind: 'retry', delayMs, holdIn: delayMs <= MAX_QUEUE_HOLD_MS ? 'queue' : 'database' };
}

/** `Retry-After` counts on 429 and 503 only; it lengthens a wait and never shortens one. */
function askedWaitMs({ responseStatus, retryAfter }: AttemptResult, now: Date): number {
  const counts = responseStatus === TOO_MANY_REQUESTS || responseStatus === SERVICE_UNAVAILABLE;
  return counts ? (parseRetryAfter(retryAfter, now) ?? 0) : 0;
}
