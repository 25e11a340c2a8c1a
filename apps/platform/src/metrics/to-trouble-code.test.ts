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
  ['timed_out', 'timed_out'],
  ['connection_failed', 'connection_failed'],
  ['rejected 5031', 'unknown'],
  ['refused by "somebody"', 'unknown'],
  [null, 'unknown'],
])('a last attempt of "%s" is %s', (lastFailureReason, code) => {
  for (const state of ['struggling', 'broken'] as const) {
    expect(toTroubleCode({ state, stateReason: PAUSED_BY_OPERATOR, lastFailureReason })).toBe(code);
  }
});
