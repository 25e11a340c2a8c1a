import { ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { toStatusReason } from '@vendor-server/domain/deliveries/status-reason.ts';

const NOTHING = {
  responseStatus: null,
  responseExcerpt: null,
  retryAfter: null,
  error: null,
  durationMs: 12,
};

/** An answer with this status. */
export function answered(status: number, retryAfter: string | null = null): AttemptResult {
  const reason = toStatusReason(status);
  const { outcome } = ruleOf(reason);
  return {
    ...NOTHING,
    outcome,
    reason,
    responseStatus: status,
    responseExcerpt: `status ${status}`,
    retryAfter,
  };
}

/** No answer in time. */
export const TIMED_OUT: AttemptResult = {
  ...NOTHING,
  outcome: 'timed_out',
  reason: 'no_answer',
  error: 'no answer in time',
};
