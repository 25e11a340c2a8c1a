import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import { type AttemptReason, ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';

/**
 * Why an attempt got no answer. The message is shown to customers and operators: the reason's code, a colon and
 * one sentence, which never names an address, a query string or a header.
 */
export class AttemptFailure extends Error {
  readonly reason: AttemptReason;
  readonly outcome: AttemptOutcome;
  /** undici retries connections by itself for two codes of its own; this one makes it report the failure. */
  readonly code = 'ATTEMPT_FAILED';

  /** @param sentence one sentence for a person */
  constructor(reason: AttemptReason, sentence: string) {
    // Nobody is shown where in our code an endpoint failed, and many fail at once: a stack costs more than all else here.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`${reason}: ${sentence}`);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'AttemptFailure';
    this.reason = reason;
    this.outcome = ruleOf(reason).outcome;
  }
}

/** The failure of a request whose connection was still being made at its deadline. */
export function notConnectedInTime(): AttemptFailure {
  return new AttemptFailure(
    'not_connected',
    'The endpoint could not be connected to in time, nothing was sent.',
  );
}

/** The failure of a request that was not written by its deadline, for want of a free connection or of our own time. */
export function notSentInTime(): AttemptFailure {
  return new AttemptFailure('not_sent', 'The request could not be written in time, nothing was sent.');
}
