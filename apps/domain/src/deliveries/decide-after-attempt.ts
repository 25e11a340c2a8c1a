import type { AttemptOutcome } from './attempt-outcome.ts';
import { ruleOf } from './attempt-reasons.ts';
import type { AttemptResult } from './attempt-result.ts';
import { parseRetryAfter } from './retry-after.ts';

/**
 * Waits up to this long are held by the queue's own backoff, while the endpoint has room; for longer ones the delivery gives
 * up its room.
 */
const MAX_QUEUE_HOLD_MS = 10_000;

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
  /** The customer server has a shared secret that the receiver did not refuse: they are being rotated. */
  hasOtherSecret: boolean;
  /** The end of the attempt, by the clock that a `Retry-After` date is compared with. */
  now: Date;
}

/** Decides what follows an attempt: the action of its reason, and while secrets rotate the other one first. */
export function decideAfterAttempt(input: AfterAttemptInput): AfterAttempt {
  const { outcome, reason } = input.result;
  const { action, triesOtherSecret } = ruleOf(reason);
  // A receiver holds one secret at a time: a refusal may only mean that it is the other one already, or still.
  if (triesOtherSecret && input.hasOtherSecret) return { kind: 'retry_with_other_secret' };
  switch (action) {
    case 'deliver':
      return { kind: 'delivered' };
    case 'resume':
      return { kind: 'retry', delayMs: 0, holdIn: 'queue' };
    case 'retry':
      return retryOrFail(input);
    case 'fail':
      return { kind: 'failed', reason: outcome };
  }
}

function retryOrFail({ result, budgetUsed, retryDelaysMs, now }: AfterAttemptInput): AfterAttempt {
  if (budgetUsed > retryDelaysMs.length) return { kind: 'failed', reason: 'retries_exhausted' };
  // Nothing is used yet after a probe that came before the first attempt.
  const plannedMs = retryDelaysMs[Math.max(budgetUsed - 1, 0)] ?? 0;
  const delayMs = Math.max(plannedMs, readAskedWaitMs(result, now));
  return { kind: 'retry', delayMs, holdIn: delayMs <= MAX_QUEUE_HOLD_MS ? 'queue' : 'database' };
}

/** The wait in ms that an answer asks for with `Retry-After`, else 0. It lengthens a wait and never shortens one. */
export function readAskedWaitMs(
  { reason, retryAfter }: Pick<AttemptResult, 'reason' | 'retryAfter'>,
  now: Date,
): number {
  return ruleOf(reason).heedsRetryAfter ? (parseRetryAfter(retryAfter, now) ?? 0) : 0;
}
