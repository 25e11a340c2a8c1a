import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';

export type TestAnswer =
  | {
      success: true;
      message: 'Webhook connection test successful';
      response: { status: number; data: unknown; durationMs: number };
    }
  | {
      success: false;
      error: 'Webhook connection test failed';
      details: string;
      reason: AttemptReason;
      response?: { status: number; data: unknown };
    };

/** What the caller reads of a test's result; `data` is the endpoint's answer, as JSON where it is JSON. */
export function toTestAnswer(result: AttemptResult): TestAnswer {
  const { outcome, responseStatus: status } = result;
  const data = toData(result.responseExcerpt);
  if (outcome === 'acknowledged' && status !== null) {
    const durationMs = Math.round(result.durationMs);
    return {
      success: true,
      message: 'Webhook connection test successful',
      response: { status, data, durationMs },
    };
  }
  return {
    success: false,
    error: 'Webhook connection test failed',
    details: result.error ?? 'The endpoint could not be reached.',
    reason: result.reason,
    ...(status !== null && { response: { status, data } }),
  };
}

/** Text that was cut after 1 KiB is seldom JSON any more, and is then shown as text. */
function toData(excerpt: string | null): unknown {
  if (excerpt === null || excerpt === '') return null;
  try {
    return JSON.parse(excerpt) as unknown;
  } catch {
    return excerpt;
  }
}
