import type { AttemptOutcome } from './attempt-outcome.ts';
import type { AttemptReason } from './attempt-reasons.ts';

/** How much of an answer's body is kept. */
export const EXCERPT_MAX_BYTES = 1024;

/** What the sender returns for one attempt; whatever an endpoint does is a result, never an exception. */
export interface AttemptResult {
  outcome: AttemptOutcome;
  /** Why, as a stable code: the row of the table `ATTEMPT_REASONS` that the outcome is of. */
  reason: AttemptReason;
  /** The HTTP status, when an answer with one arrived. */
  responseStatus: number | null;
  /** The first `EXCERPT_MAX_BYTES` of the answer's body; it may repeat what was sent, secrets included (platform's redact-echoes.ts). */
  responseExcerpt: string | null;
  /** The raw `Retry-After` header. */
  retryAfter: string | null;
  /** One sentence for a person, without secrets; null when acknowledged. */
  error: string | null;
  durationMs: number;
}
