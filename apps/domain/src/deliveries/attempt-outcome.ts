/** How one HTTP exchange with an endpoint ended. */
export const ATTEMPT_OUTCOMES = [
  /** A 2xx answer. */
  'acknowledged',
  /** An answer that is neither 2xx nor 3xx; `responseStatus` says which. */
  'rejected',
  /** No response headers before the deadline. */
  'timed_out',
  'connection_failed',
  'dns_failed',
  'tls_failed',
  /** The endpoint's name leads to an address that webhooks may not reach. */
  'blocked_address',
  /** A 3xx answer; never followed. */
  'redirected',
  /** Response headers over 16 KiB, or more than 500 of them. */
  'response_too_large',
  /** Not valid HTTP. */
  'malformed_response',
  /** The worker vanished before it could record an answer. */
  'interrupted',
] as const;

export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];
