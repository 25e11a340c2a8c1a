import { ATTEMPT_REASON_CODES, ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { describeOutcome } from '@vendor-server/domain/deliveries/describe-outcome.ts';
import { listStatuses } from '@vendor-server/domain/deliveries/status-reason.ts';
import { decideDisabling, LOST_AFTER_FAILURES } from '@vendor-server/domain/endpoints/decide-disabling.ts';
import {
  PAUSED_BY_CUSTOMER_SERVER,
  PAUSED_BY_OPERATOR,
} from '@vendor-server/domain/endpoints/pause-reasons.ts';
import { expect, test } from 'vitest';
import { URL_UNSET_REASON } from '../customer-servers/apply-default-webhook-url.ts';
import { toTroubleCode } from './to-trouble-code.ts';

const longAgo = new Date('2026-01-01T00:00:00.000Z');
const now = new Date('2026-01-07T00:00:00.000Z');
const facts = {
  state: 'active',
  stateChangedAt: longAgo,
  failingSince: longAgo,
  consecutiveFailures: LOST_AFTER_FAILURES,
} as const;

test.each([
  ['paused', PAUSED_BY_OPERATOR, 'paused_by_operator'],
  ['paused', PAUSED_BY_CUSTOMER_SERVER, 'paused_by_customer_server'],
  ['paused', URL_UNSET_REASON, 'url_unset'],
  ['paused', 'Paused by "somebody"\n', 'unknown'],
  ['paused', null, 'unknown'],
  ['disabled', decideDisabling({ ...facts, goneOrderIds: ['a', 'b', 'c'] }, now), 'gone'],
  ['disabled', decideDisabling({ ...facts, goneOrderIds: [] }, now), 'failed_for_days'],
  ['disabled', 'It was switched off.', 'unknown'],
  ['disabled', null, 'unknown'],
] as const)('%s because "%s" is %s', (state, stateReason, code) => {
  expect(toTroubleCode({ state, stateReason, lastFailureReason: 'rejected 503' })).toBe(code);
});

test.each([
  ['rejected 503', 'rejected_503'],
  ['timed_out no_answer', 'timed_out_no_answer'],
  ['timed_out', 'timed_out'],
  ['connection_failed', 'connection_failed'],
  ['rejected 5031', 'unknown'],
  ['refused by "somebody"', 'unknown'],
  ['timed_out by_somebody', 'unknown'],
  [null, 'unknown'],
])('a last attempt of "%s" is %s', (lastFailureReason, code) => {
  for (const state of ['struggling', 'broken'] as const) {
    expect(toTroubleCode({ state, stateReason: PAUSED_BY_OPERATOR, lastFailureReason })).toBe(code);
  }
});

test('whatever an attempt comes to has a code of its own', () => {
  const codes = ATTEMPT_REASON_CODES.map((reason) => {
    const { outcome, statuses } = ruleOf(reason);
    const [responseStatus = null] = listStatuses(statuses);
    const lastFailureReason = describeOutcome({ outcome, reason, responseStatus });
    return toTroubleCode({ state: 'broken', stateReason: null, lastFailureReason });
  });
  expect(codes).not.toContain('unknown');
  expect(new Set(codes).size).toBe(ATTEMPT_REASON_CODES.length);
});
