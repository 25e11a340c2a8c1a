import { ATTEMPT_REASON_CODES, type AttemptReason, ruleOf } from './attempt-reasons.ts';

const REASON_BY_STATUS = new Map(
  ATTEMPT_REASON_CODES.flatMap((reason) =>
    listStatuses(ruleOf(reason).statuses).map((status) => [status, reason] as const),
  ),
);

/** The reason that the status of an answer, 200 to 999, stands for; any other number makes no answer of HTTP. */
export function toStatusReason(status: number): AttemptReason {
  return REASON_BY_STATUS.get(status) ?? 'invalid_http';
}

/** @param spans as in `AttemptRule.statuses`, such as "401 403" or "500-502 504-599" */
export function listStatuses(spans: string | undefined): number[] {
  if (spans === undefined) return [];
  return spans.split(' ').flatMap((span) => {
    const [first = Number.NaN, last = first] = span.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
