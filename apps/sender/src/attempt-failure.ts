import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';

/** The outcomes of an attempt that got no answer with a status. */
export type FailureOutcome = Extract<
  AttemptOutcome,
  'timed_out' | 'connection_failed' | 'dns_failed' | 'tls_failed' | 'blocked_address' | 'malformed_response'
>;

/**
 * Why an attempt got no answer. The message is shown to customers and operators: a stable reason code, a
 * colon and one sentence, which never names an address, a query string or a header.
 */
export class AttemptFailure extends Error {
  readonly outcome: FailureOutcome;
  /** undici retries connections by itself for two codes of its own; this one makes it report the failure. */
  readonly code = 'ATTEMPT_FAILED';

  /**
   * @param reason stable snake_case code, e.g. `connection_refused`
   * @param sentence one sentence for a person
   */
  constructor(outcome: FailureOutcome, reason: string, sentence: string) {
    super(`${reason}: ${sentence}`);
    this.name = 'AttemptFailure';
    this.outcome = outcome;
  }
}

/** The failure of a request that was still without a connection, or not written yet, at its deadline. */
export function notSentInTime(): AttemptFailure {
  return new AttemptFailure(
    'timed_out',
    'not_sent',
    'No connection to the endpoint was ready in time, nothing was sent.',
  );
}
