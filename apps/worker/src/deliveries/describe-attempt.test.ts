import { expect, test } from 'vitest';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { describeAttempt } from './describe-attempt.ts';
import type { RecordedStep } from './record-sql.ts';

test.each<[RecordedStep | { kind: 'lost' }, string]>([
  [{ kind: 'delivered' }, 'attempt 2: rejected 503 (service_unavailable) after 12 ms, delivered'],
  [
    { kind: 'retry', delayMs: 2_000, holdIn: 'queue' },
    'attempt 2: rejected 503 (service_unavailable) after 12 ms, next attempt in 2000 ms',
  ],
  [
    { kind: 'retry_with_other_secret', refusedSecretHash: 'hash' },
    'attempt 2: rejected 503 (service_unavailable) after 12 ms, next attempt at once, with the other shared secret',
  ],
  [
    { kind: 'failed', reason: 'retries_exhausted' },
    'attempt 2: rejected 503 (service_unavailable) after 12 ms, failed for good: retries_exhausted',
  ],
  [
    { kind: 'lost' },
    'attempt 2: rejected 503 (service_unavailable) after 12 ms, too late: the delivery had moved on',
  ],
])('says what follows: %j', (step, line) => {
  expect(describeAttempt(2, answered(503), step)).toBe(line);
});

test('repeats nothing that came from the endpoint or its name', () => {
  const result = { ...TIMED_OUT, error: 'connect to secret.internal', responseExcerpt: 'Jane Doe' };
  expect(describeAttempt(1, result, { kind: 'delivered' })).toBe(
    'attempt 1: timed_out no_answer after 12 ms, delivered',
  );
});
