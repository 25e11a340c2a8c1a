import type { AttemptResult } from './attempt-result.ts';

/** What an attempt came to, for people: "rejected 503", "tls_failed certificate_expired", "connection_failed" */
export function describeOutcome({
  outcome,
  reason,
  responseStatus,
}: Pick<AttemptResult, 'outcome' | 'reason' | 'responseStatus'>): string {
  const detail = responseStatus ?? reason;
  return detail === outcome ? outcome : `${outcome} ${detail}`;
}
