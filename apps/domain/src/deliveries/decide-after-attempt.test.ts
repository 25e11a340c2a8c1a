import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_REASON_CODES, type AttemptReason, ruleOf } from './attempt-reasons.ts';
import type { AttemptResult } from './attempt-result.ts';
import { type AfterAttempt, decideAfterAttempt } from './decide-after-attempt.ts';
import { toStatusReason } from './status-reason.ts';

const NOW = new Date('2023-12-04T10:30:00.000Z');
const DELAYS = [1000, 2000, 3000];

function resultOf(reason: AttemptReason, overrides: Partial<AttemptResult> = {}): AttemptResult {
  return {
    outcome: ruleOf(reason).outcome,
    reason,
    responseStatus: null,
    responseExcerpt: null,
    retryAfter: null,
    error: null,
    durationMs: 12,
    ...overrides,
  };
}

function answered(status: number, retryAfter: string | null = null): AttemptResult {
  return resultOf(toStatusReason(status), { responseStatus: status, retryAfter });
}

function decide(
  result: AttemptResult,
  budgetUsed = 1,
  retryDelaysMs: readonly number[] = DELAYS,
): AfterAttempt {
  return decideAfterAttempt({ result, budgetUsed, retryDelaysMs, hasOtherSecret: false, now: NOW });
}

const firstRetry: AfterAttempt = { kind: 'retry', delayMs: 1000, holdIn: 'queue' };

describe('while a shared secret is rotated', () => {
  const during = { budgetUsed: 4, retryDelaysMs: DELAYS, hasOtherSecret: true, now: NOW };

  it.each([401, 403])(
    'an answer %i is followed by the other secret, also when the budget is spent',
    (status) => {
      expect(decideAfterAttempt({ ...during, result: answered(status) })).toEqual({
        kind: 'retry_with_other_secret',
      });
    },
  );

  it.each([400, 404, 425])('an answer %i fails as always', (status) => {
    expect(decideAfterAttempt({ ...during, result: answered(status) })).toEqual({
      kind: 'failed',
      reason: 'rejected',
    });
  });

  it('an answer 503 is retried as always', () => {
    expect(decideAfterAttempt({ ...during, budgetUsed: 1, result: answered(503) })).toEqual(firstRetry);
  });
});

describe('each outcome', () => {
  const cases: [AttemptReason, AfterAttempt][] = [
    ['accepted', { kind: 'delivered' }],
    ['no_answer', firstRetry],
    ['connection_refused', firstRetry],
    ['name_not_found', firstRetry],
    ['certificate_expired', firstRetry],
    ['invalid_http', firstRetry],
    ['headers_too_large', firstRetry],
    ['blocked_address', { kind: 'failed', reason: 'blocked_address' }],
    ['redirect_not_followed', { kind: 'failed', reason: 'redirected' }],
    ['interrupted', { kind: 'retry', delayMs: 0, holdIn: 'queue' }],
  ];

  it.each(cases)('%s', (reason, decision) => {
    expect(decide(resultOf(reason))).toEqual(decision);
  });

  it.each([408, 429, 500, 502, 503, 504, 599, 600, 999])('an answer %i is retried', (status) => {
    expect(decide(answered(status))).toEqual(firstRetry);
  });

  it('every other 4xx fails at once', () => {
    const others = Array.from({ length: 100 }, (_, index) => 400 + index).filter(
      (status) => status !== 408 && status !== 429,
    );
    expect(others).toContain(425);
    const notFailed = others.filter((status) => decide(answered(status)).kind !== 'failed');
    expect(notFailed).toEqual([]);
    expect(decide(answered(404))).toEqual({ kind: 'failed', reason: 'rejected' });
  });
});

describe('the budget', () => {
  it('is one first attempt and as many retries as there are delays', () => {
    const decisions = [1, 2, 3, 4].map((budgetUsed) => decide(answered(500), budgetUsed));
    expect(decisions).toEqual([
      { kind: 'retry', delayMs: 1000, holdIn: 'queue' },
      { kind: 'retry', delayMs: 2000, holdIn: 'queue' },
      { kind: 'retry', delayMs: 3000, holdIn: 'queue' },
      { kind: 'failed', reason: 'retries_exhausted' },
    ]);
  });

  it('without delays is one attempt', () => {
    expect(decide(resultOf('no_answer'), 1, [])).toEqual({ kind: 'failed', reason: 'retries_exhausted' });
  });

  it('is not spent by attempts that come on top of it', () => {
    expect(decide(answered(500), 0)).toEqual(firstRetry);
    expect(decide(answered(500), 0, [])).toEqual({ kind: 'retry', delayMs: 0, holdIn: 'queue' });
    expect(decide(answered(500), 3)).toEqual({ kind: 'retry', delayMs: 3000, holdIn: 'queue' });
  });

  it('is not what an interrupted attempt or a success depends on', () => {
    expect(decide(resultOf('interrupted'), 4)).toEqual({ kind: 'retry', delayMs: 0, holdIn: 'queue' });
    expect(decide(resultOf('accepted', { responseStatus: 204 }), 4)).toEqual({ kind: 'delivered' });
  });

  it('ends after delays + 1 attempts for any list of delays and any retried outcome', () => {
    const retried = fc
      .constantFrom(...ATTEMPT_REASON_CODES)
      .filter((each) => ruleOf(each).action === 'retry');
    const lists = fc.array(fc.integer({ min: 100, max: 86_400_000 }), { maxLength: 10 });
    fc.assert(
      fc.property(lists, retried, (delays, reason) => {
        const steps = [...delays, 'the last'].map(
          (_, index) => decide(resultOf(reason), index + 1, delays).kind,
        );
        expect(steps).toEqual([...delays.map(() => 'retry'), 'failed']);
      }),
    );
  });
});

describe('where a wait is held', () => {
  it.each([
    [10_000, 'queue'],
    [10_001, 'database'],
    [86_400_000, 'database'],
  ])('%i ms in the %s', (delayMs, holdIn) => {
    expect(decide(answered(500), 1, [delayMs])).toEqual({ kind: 'retry', delayMs, holdIn });
  });
});

describe('Retry-After', () => {
  it.each([429, 503])('on %i lengthens the wait', (status) => {
    expect(decide(answered(status, '30'))).toEqual({ kind: 'retry', delayMs: 30_000, holdIn: 'database' });
    expect(decide(answered(status, 'Mon, 04 Dec 2023 10:30:05 GMT'))).toMatchObject({ delayMs: 5000 });
  });

  it('never shortens it, and is bounded to an hour', () => {
    expect(decide(answered(503, '0'))).toMatchObject({ delayMs: 1000 });
    expect(decide(answered(503, '86400'))).toMatchObject({ delayMs: 3_600_000 });
    expect(decide(answered(503, '60'), 1, [7_200_000])).toMatchObject({ delayMs: 7_200_000 });
  });

  it('adds no attempt to a spent budget', () => {
    expect(decide(answered(503, '30'), 4)).toEqual({ kind: 'failed', reason: 'retries_exhausted' });
  });

  it.each([408, 500, 502, 504])('on %i is ignored', (status) => {
    expect(decide(answered(status, '30'))).toEqual(firstRetry);
  });

  it('that makes no sense is ignored', () => {
    expect(decide(answered(503, 'soon'))).toEqual(firstRetry);
  });
});
