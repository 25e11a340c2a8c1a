import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { describeOutcome } from '@vendor-server/domain/deliveries/describe-outcome.ts';
import type { KnownStep } from './record-sql.ts';

/**
 * What an operator reads of an attempt on its job. It holds nothing that the endpoint says but its status, and no
 * URL: jobs are shown to whoever looks at the queue.
 */
export function describeAttempt(attemptNumber: number, result: AttemptResult, step: KnownStep): string {
  const { reason, durationMs, responseStatus } = result;
  const end = responseStatus === null ? describeOutcome(result) : `${describeOutcome(result)} (${reason})`;
  return `attempt ${attemptNumber}: ${end} after ${Math.round(durationMs)} ms, ${describeStep(step)}`;
}

function describeStep(step: KnownStep): string {
  switch (step.kind) {
    case 'delivered':
      return 'delivered';
    case 'failed':
      return `failed for good: ${step.reason}`;
    case 'retry':
      return `next attempt in ${step.delayMs} ms`;
    case 'wait_on':
      return 'its endpoint is still broken: it waits on';
    case 'superseded':
      return 'superseded by a newer change';
    case 'lost':
      return 'too late: the delivery had moved on';
    case 'retry_with_other_secret':
      return 'next attempt at once, with the other shared secret';
  }
}
