import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_OUTCOMES } from './attempt-outcome.ts';
import { ATTEMPT_REASON_CODES, type AttemptReason, ruleOf } from './attempt-reasons.ts';
import { type AfterAttempt, decideAfterAttempt } from './decide-after-attempt.ts';
import { listStatuses, toStatusReason } from './status-reason.ts';

const reasons = fc.constantFrom(...ATTEMPT_REASON_CODES);
const statuses = fc.integer({ min: 100, max: 999 });

describe('the table', () => {
  it('has every outcome', () => {
    expect(new Set(ATTEMPT_REASON_CODES.map((reason) => ruleOf(reason).outcome))).toEqual(
      new Set(ATTEMPT_OUTCOMES),
    );
  });

  it('has each status from 200 to 999 in exactly one row', () => {
    const listed = ATTEMPT_REASON_CODES.flatMap((reason) => listStatuses(ruleOf(reason).statuses));
    expect(listed.sort((a, b) => a - b)).toEqual(Array.from({ length: 800 }, (_, index) => 200 + index));
  });

  it.each<[AttemptReason, number[]]>([
    ['accepted', [200, 201, 204, 206, 299]],
    ['redirect_not_followed', [300, 301, 304, 308, 399]],
    ['unauthorized', [401, 403]],
    ['request_timeout', [408]],
    ['gone', [410]],
    ['too_many_requests', [429]],
    ['client_error', [400, 402, 404, 407, 409, 411, 425, 428, 430, 499]],
    ['service_unavailable', [503]],
    ['server_error', [500, 502, 504, 599]],
    ['unknown_status', [600, 999]],
    ['invalid_http', [0, 99, 100, 199, 1000, Number.NaN]],
  ])('takes for %s: %j', (reason, examples) => {
    expect(examples.map((status) => toStatusReason(status))).toEqual(examples.map(() => reason));
  });

  it('has codes and words that fit into a cell', () => {
    for (const reason of ATTEMPT_REASON_CODES) {
      const { when, meaning } = ruleOf(reason);
      expect(reason).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(when).toMatch(/^[^|\n]+[^|\n.]$/);
      expect(meaning, reason).toMatch(/^[A-Z`0-9][^|\n]+[.)]$/);
    }
  });
});

interface Decided {
  reason: AttemptReason;
  responseStatus: number | null;
  retryAfter: string | null;
  budgetUsed: number;
  retryDelaysMs: number[];
  hasOtherSecret: boolean;
}

describe('what follows an attempt', () => {
  const decided: fc.Arbitrary<Decided> = fc.record({
    reason: reasons,
    responseStatus: fc.option(statuses),
    retryAfter: fc.option(fc.string()),
    budgetUsed: fc.nat({ max: 12 }),
    retryDelaysMs: fc.array(fc.integer({ min: 100, max: 86_400_000 }), { maxLength: 10 }),
    hasOtherSecret: fc.boolean(),
  });
  const decide = ({ reason, responseStatus, retryAfter, ...rest }: Decided): AfterAttempt =>
    decideAfterAttempt({
      ...rest,
      result: {
        outcome: ruleOf(reason).outcome,
        reason,
        responseStatus,
        retryAfter,
        responseExcerpt: null,
        error: null,
        durationMs: 1,
      },
      now: new Date(),
    });

  it('is exactly one thing, whatever the reason, the status and the headers', () => {
    fc.assert(
      fc.property(decided, (input) => {
        const { action, triesOtherSecret = false } = ruleOf(input.reason);
        const isSpent = input.budgetUsed > input.retryDelaysMs.length;
        const byAction = {
          deliver: 'delivered',
          fail: 'failed',
          resume: 'retry',
          retry: isSpent ? 'failed' : 'retry',
        } as const;
        const other = triesOtherSecret && input.hasOtherSecret;
        expect(decide(input).kind).toBe(other ? 'retry_with_other_secret' : byAction[action]);
      }),
    );
  });

  it('is never a wait that is not finite, nor one longer than the longest delay or an hour', () => {
    fc.assert(
      fc.property(decided, (input) => {
        const step = decide(input);
        if (step.kind !== 'retry') return;
        expect(step.delayMs).toBeGreaterThanOrEqual(0);
        expect(step.delayMs).toBeLessThanOrEqual(Math.max(3_600_000, ...input.retryDelaysMs));
      }),
    );
  });

  it('is told apart by the reason alone: the status is in it', () => {
    fc.assert(
      fc.property(decided, statuses, (input, other) => {
        expect(decide({ ...input, responseStatus: other })).toEqual(decide(input));
      }),
    );
  });
});
