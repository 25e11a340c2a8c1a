import type { AttemptOutcome } from '../deliveries/attempt-outcome.ts';
import { type AttemptReason, ruleOf } from '../deliveries/attempt-reasons.ts';

/** What an attempt says of its endpoint, whatever it means for the delivery. */
export type EndpointSignal =
  /** It took the webhook. */
  | 'accepted'
  /** It did not want this webhook, but somebody is there who can tell: a redirect, or any 4xx but 408 and 429. */
  | 'answered'
  /**
   * It says that it cannot now, or says nothing that makes sense. That may be the doing of this one order: a
   * handler that crashes on it (5xx), or waits for something until its own server gives up (408); an answer that
   * is not HTTP, or with headers beyond the limit. So it weighs only when several orders meet it in a row.
   */
  | 'failed'
  /** Nobody answered, or it asks for less (429): it cannot take what it is sent. */
  | 'silent'
  /** Nothing was asked of it: its name leads where webhooks may not go, or we had no connection free. */
  | 'untried';

const SIGNAL_OF_OUTCOME = {
  acknowledged: 'accepted',
  rejected: 'by_action',
  redirected: 'answered',
  response_too_large: 'failed',
  malformed_response: 'failed',
  timed_out: 'silent',
  connection_failed: 'silent',
  dns_failed: 'silent',
  tls_failed: 'silent',
  blocked_address: 'untried',
  interrupted: 'untried',
} as const satisfies Record<AttemptOutcome, EndpointSignal | 'by_action'>;

const SIGNAL_OF_REASON: { readonly [reason in AttemptReason]?: EndpointSignal } = {
  too_many_requests: 'silent',
  not_sent: 'untried',
};

export function readEndpointSignal(reason: AttemptReason): EndpointSignal {
  const { outcome, action } = ruleOf(reason);
  const signal = SIGNAL_OF_REASON[reason] ?? SIGNAL_OF_OUTCOME[outcome];
  // What is tried again is what may pass by itself.
  if (signal === 'by_action') return action === 'retry' ? 'failed' : 'answered';
  return signal;
}
