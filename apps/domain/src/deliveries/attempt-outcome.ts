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
  'response_too_large',
  /** Not valid HTTP, or response headers over 16 KiB. */
  'malformed_response',
  /** The worker vanished before it could record an answer. */
  'interrupted',
] as const;

export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** What the sender returns for one attempt; whatever an endpoint does is a result, never an exception. */
export interface AttemptResult {
  outcome: AttemptOutcome;
  /** The HTTP status, when an answer with one arrived. */
  responseStatus: number | null;
  /** The first 1 KiB of the answer's body. */
  responseExcerpt: string | null;
  /** The raw `Retry-After` header. */
  retryAfter: string | null;
  /** One sentence for a person, without secrets; null when acknowledged. */
  error: string | null;
  durationMs: number;
}
