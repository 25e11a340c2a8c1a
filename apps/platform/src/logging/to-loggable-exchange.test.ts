import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { expect, test } from 'vitest';
import { toLoggableExchange } from './to-loggable-exchange.ts';

const SECRET = 'test-"customer"-secret-1';
const SIGNATURE = 'v1,dGVzdC1zaWduYXR1cmU=';
const REQUEST = {
  url: 'https://user:test-password@customer.example.com/hooks/T0PATH99?token=test-token',
  headers: { 'X-Vendor-Server-Secret': SECRET, 'webhook-signature': SIGNATURE, 'webhook-id': 'id-1' },
  body: '{"status":"assigned"}',
};

function answeredWith(responseExcerpt: string | null): AttemptResult {
  return {
    outcome: 'rejected',
    reason: 'unauthorized',
    responseStatus: 401,
    responseExcerpt,
    retryAfter: null,
    error: 'The endpoint answered 401.',
    durationMs: 12,
  };
}

test('shows the request without path, query, credentials, secret and signature', () => {
  expect(toLoggableExchange(REQUEST, answeredWith(null))).toEqual({
    request: {
      url: 'https://customer.example.com/…',
      headers: {
        'X-Vendor-Server-Secret': '[redacted]',
        'webhook-signature': '[redacted]',
        'webhook-id': 'id-1',
      },
      body: REQUEST.body,
    },
    response: answeredWith(null),
  });
});

test.each([
  [`got ${SECRET}, twice: ${SECRET}`, 'got [redacted], twice: [redacted]'],
  [
    JSON.stringify(REQUEST.headers),
    JSON.stringify({
      ...REQUEST.headers,
      'X-Vendor-Server-Secret': '[redacted]',
      'webhook-signature': '[redacted]',
    }),
  ],
  ['nothing of ours', 'nothing of ours'],
  ['Cannot POST /hooks/T0PATH99', 'Cannot POST [redacted]'],
  ['no route for ?token=test-token', 'no route for [redacted]'],
  [`cut: ${SECRET.slice(0, -1)}`, 'cut: [redacted]'],
  [`cut in JSON: ${JSON.stringify(SECRET).slice(1, 10)}`, 'cut in JSON: [redacted]'],
  [`cut soon: ${SIGNATURE.slice(0, 4)}`, 'cut soon: [redacted]'],
  [`${SECRET.slice(0, 9)} in the midst`, `${SECRET.slice(0, 9)} in the midst`],
])('shows the answer %j as %j', (excerpt, shown) => {
  expect(toLoggableExchange(REQUEST, answeredWith(excerpt)).response).toEqual(answeredWith(shown));
});

test('shows a path that is too short for a secret where the endpoint names it', () => {
  const request = { ...REQUEST, url: 'https://customer.example.com/updates' };
  const answer = answeredWith('Cannot POST /updates');
  expect(toLoggableExchange(request, answer).response).toEqual(answer);
});

test('an empty secret header changes nothing of the answer', () => {
  const request = { ...REQUEST, headers: { 'x-vendor-server-secret': '' } };
  expect(toLoggableExchange(request, answeredWith('as is')).response.responseExcerpt).toBe('as is');
});
