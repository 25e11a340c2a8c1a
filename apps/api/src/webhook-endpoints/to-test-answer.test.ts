import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { expect, test } from 'vitest';
import { toTestAnswer } from './to-test-answer.ts';

const acknowledged: AttemptResult = {
  outcome: 'acknowledged',
  reason: 'accepted',
  responseStatus: 200,
  responseExcerpt: '{"success":true}',
  retryAfter: null,
  error: null,
  durationMs: 12.4,
};

test.each([
  ['{"success":true}', { success: true }],
  ['OK', 'OK'],
  ['{"cut":"of', '{"cut":"of'],
  ['', null],
  [null, null],
])('an answer of %j is shown as %j', (responseExcerpt, data) => {
  expect(toTestAnswer({ ...acknowledged, responseExcerpt })).toEqual({
    success: true,
    message: 'Webhook connection test successful',
    response: { status: 200, data, durationMs: 12 },
  });
});

test('a refusal shows the answer', () => {
  const result: AttemptResult = {
    ...acknowledged,
    outcome: 'rejected',
    reason: 'unauthorized',
    responseStatus: 401,
    responseExcerpt: '{"error":"Invalid webhook secret"}',
    error: 'The endpoint answered 401.',
  };
  expect(toTestAnswer(result)).toEqual({
    success: false,
    error: 'Webhook connection test failed',
    details: 'The endpoint answered 401.',
    reason: 'unauthorized',
    response: { status: 401, data: { error: 'Invalid webhook secret' } },
  });
});

test('without an answer there is only the reason', () => {
  const result: AttemptResult = {
    ...acknowledged,
    outcome: 'connection_failed',
    reason: 'connection_refused',
    responseStatus: null,
    responseExcerpt: null,
    error: 'The connection was refused.',
  };
  expect(toTestAnswer(result)).toEqual({
    success: false,
    error: 'Webhook connection test failed',
    details: 'The connection was refused.',
    reason: 'connection_refused',
  });
});
