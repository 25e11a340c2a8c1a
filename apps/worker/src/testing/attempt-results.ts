import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-outcome.ts';

const NOTHING = {
  responseStatus: null,
  responseExcerpt: null,
  retryAfter: null,
  error: null,
  durationMs: 12,
};

/** An answer with this status. */
export function answered(status: number, retryAfter: string | null = null): AttemptResult {
  const outcome = status < 300 ? 'acknowledged' : 'rejected';
  return { ...NOTHING, outcome, responseStatus: status, responseExcerpt: `status ${status}`, retryAfter };
}

/** No answer in time. */
export const TIMED_OUT: AttemptResult = { ...NOTHING, outcome: 'timed_out', error: 'no answer in time' };
