import { describe, expect, test } from 'vitest';
import { decideClosedSince, decideGivenUpAt } from './hold.ts';

const EARLY = new Date('2026-11-20T00:00:00.000Z');
const LATE = new Date('2026-11-22T00:00:00.000Z');
const HOUR_MS = 3_600_000;

describe('an endpoint is closed', () => {
  test.each([
    ['active', 16, null, null],
    // Open again: what it was once is over.
    ['active', 1, EARLY, null],
    ['active', 0, EARLY, EARLY],
    ['paused', 16, null, LATE],
    ['disabled', 16, null, LATE],
    ['paused', 0, EARLY, EARLY],
    ['disabled', 0, EARLY, EARLY],
    ['active', 0, null, LATE],
  ] as const)(
    'when it is %s, with a window of %i, broken since %s: since %s',
    (state, window, brokenSince, since) => {
      expect(decideClosedSince({ state, stateChangedAt: LATE, window, brokenSince })).toEqual(since);
    },
  );

  test('since it was paused, when it broke only later', () => {
    const facts = { state: 'paused', stateChangedAt: EARLY, window: 0, brokenSince: LATE } as const;
    expect(decideClosedSince(facts)).toEqual(EARLY);
  });
});

test.each([
  ['was due before it closed', LATE, EARLY, '2026-11-22T01:00:00.000Z'],
  ['became due after it closed', EARLY, LATE, '2026-11-22T01:00:00.000Z'],
])('what %s is given up so long after the later of the two', (_, closedSince, dueAt, givenUpAt) => {
  expect(decideGivenUpAt(closedSince, dueAt, HOUR_MS).toISOString()).toBe(givenUpAt);
});
