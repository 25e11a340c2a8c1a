import { ATTEMPT_OUTCOMES } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import { ATTEMPT_REASON_CODES } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { GONE_REASON, LOST_REASON_START } from '@vendor-server/domain/endpoints/decide-disabling.ts';
import {
  PAUSED_BY_CUSTOMER_SERVER,
  PAUSED_BY_OPERATOR,
} from '@vendor-server/domain/endpoints/pause-reasons.ts';
import { URL_UNSET_REASON } from '../customer-servers/apply-default-webhook-url.ts';
import type { UnhealthyEndpoint } from './unhealthy-endpoints-sql.ts';

const OUTCOMES: ReadonlySet<string> = new Set(ATTEMPT_OUTCOMES);
const REASONS: ReadonlySet<string> = new Set(ATTEMPT_REASON_CODES);

/**
 * Why an endpoint is not healthy, as a label's value: out of a bounded set, whatever its texts say. Of what fails it
 * is what the last attempt came to, as `rejected_503` or `timed_out_no_answer`.
 */
export function toTroubleCode({
  state,
  stateReason,
  lastFailureReason,
}: Pick<UnhealthyEndpoint, 'state' | 'stateReason' | 'lastFailureReason'>): string {
  switch (state) {
    case 'paused':
      return toPauseCode(stateReason);
    case 'disabled':
      if (stateReason === GONE_REASON) return 'gone';
      return stateReason?.startsWith(LOST_REASON_START) === true ? 'failed_for_days' : 'unknown';
    case 'struggling':
    case 'broken':
      return toFailureCode(lastFailureReason ?? '');
  }
}

function toPauseCode(stateReason: string | null): string {
  switch (stateReason) {
    case PAUSED_BY_OPERATOR:
      return 'paused_by_operator';
    case PAUSED_BY_CUSTOMER_SERVER:
      return 'paused_by_customer_server';
    case URL_UNSET_REASON:
      return 'url_unset';
    default:
      return 'unknown';
  }
}

/** @param text as `describeOutcome` makes it: an outcome, and the status or the reason's code */
function toFailureCode(text: string): string {
  const [, outcome = '', detail] = /^([a-z_]+)(?: (\d{3}|[a-z_]+))?$/.exec(text) ?? [];
  if (!OUTCOMES.has(outcome)) return 'unknown';
  if (detail === undefined) return outcome;
  return /^\d/.test(detail) || REASONS.has(detail) ? `${outcome}_${detail}` : 'unknown';
}
