import { describe, expect, test } from 'vitest';
import type { EndpointFacts } from './endpoint-facts.ts';
import { buildEndpointHealth } from './endpoint-health.ts';

const SINCE = new Date('2026-11-25T02:00:00.000Z');
const LATER = new Date('2026-11-25T03:00:00.000Z');

const DAY_MS = 86_400_000;
const MAX_HOLD_MS = 3 * DAY_MS;

const HEALTHY: EndpointFacts = {
  state: 'active',
  stateReason: null,
  stateChangedAt: new Date('2026-01-01T00:00:00.000Z'),
  window: 16,
  consecutiveFailures: 0,
  failingSince: null,
  lastFailureReason: null,
  lastSuccessAt: SINCE,
  brokenSince: null,
  nextProbeAt: null,
  pending: 0,
  pendingCapped: false,
  oldestPendingAt: null,
  oldestDueAt: null,
  readAt: LATER,
};
const build = (facts: EndpointFacts) => buildEndpointHealth(facts, MAX_HOLD_MS);
const FAILING = {
  ...HEALTHY,
  consecutiveFailures: 12,
  failingSince: SINCE,
  lastFailureReason: 'rejected 503',
};

describe('health', () => {
  test('of an endpoint that takes everything has nothing to say', () => {
    expect(build(HEALTHY)).toEqual({
      state: 'healthy',
      reason: null,
      until: null,
      warning: null,
      window: 16,
      consecutiveFailures: 0,
      lastSuccessAt: SINCE,
      oldestPendingAt: null,
      pending: 0,
      pendingCapped: false,
    });
  });

  test.each([
    [1, 'healthy'],
    [2, 'healthy'],
    [3, 'struggling'],
  ])('after %i failures in a row is %s', (consecutiveFailures, state) => {
    expect(build({ ...FAILING, consecutiveFailures })).toMatchObject({
      state,
      consecutiveFailures,
    });
  });

  test('names since when and why it struggles', () => {
    expect(build(FAILING)).toMatchObject({
      state: 'struggling',
      reason: '12 attempts in a row failed since 2026-11-25T02:00:00.000Z, the last one with: rejected 503.',
      until: null,
    });
  });

  test('is broken at window 0, until the next probe', () => {
    expect(build({ ...FAILING, window: 0, nextProbeAt: LATER })).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining('since 2026-11-25T02:00:00.000Z'),
      until: LATER,
      window: 0,
    });
    expect(build({ ...HEALTHY, window: 0, consecutiveFailures: 1 })).toMatchObject({
      state: 'broken',
      reason: 'Its attempts fail.',
    });
  });

  test.each(['paused', 'disabled'] as const)('of a %s endpoint says so whatever failed before', (state) => {
    const facts = { ...FAILING, window: 0, nextProbeAt: LATER, state };
    expect(build({ ...facts, stateReason: 'Because.' })).toMatchObject({
      state,
      reason: 'Because.',
      until: null,
      warning: null,
    });
    expect(build(facts).reason).toBe(`It was ${state}.`);
  });

  describe('with a backlog', () => {
    const BACKLOG = { ...HEALTHY, pending: 1000, oldestPendingAt: SINCE, oldestDueAt: SINCE };

    test('is as it was; beyond what is counted it warns', () => {
      expect(build(BACKLOG)).toMatchObject({ warning: null, pending: 1000, oldestPendingAt: SINCE });
      expect(build({ ...BACKLOG, pendingCapped: true })).toMatchObject({
        warning: 'More than 1000 changes wait for it.',
        pendingCapped: true,
      });
    });

    test.each([
      ['paused', { state: 'paused', stateChangedAt: LATER }, 'they are sent when it is resumed'],
      ['disabled', { state: 'disabled', stateChangedAt: LATER }, 'they are sent when it is enabled'],
      ['broken', { window: 0, brokenSince: LATER }, 'they are sent when it answers again'],
    ] as const)('%s: says what it waits for, and when the oldest is given up', (_, closed, until) => {
      const facts = { ...BACKLOG, ...closed };
      expect(build(facts).warning).toBe(
        `Changes wait for it: ${until}. The oldest is given up at 2026-11-28T03:00:00.000Z.`,
      );
      const oldestDueAt = new Date('2026-11-25T04:00:00.000Z');
      expect(build({ ...facts, oldestDueAt }).warning).toContain('given up at 2026-11-28T04:00:00.000Z.');
      // What is on its way is not held.
      expect(build({ ...facts, oldestDueAt: null }).warning).toBe(`Changes wait for it: ${until}.`);
    });
  });

  describe('of an endpoint that accepts nothing any more', () => {
    const at = (days: number, ms = 0) => new Date(SINCE.getTime() + days * DAY_MS + ms);
    const disabledAt = 'It is disabled at 2026-11-30T02:00:00.000Z, unless it accepts a webhook before.';

    test.each([
      [at(4, -1), null],
      [at(4), disabledAt],
      [at(5, -1), disabledAt],
      [at(5), 'It has accepted nothing for so long that its next failure disables it.'],
    ])('at %s warns: %s', (readAt, warning) => {
      expect(build({ ...FAILING, readAt }).warning).toBe(warning);
    });

    test('says that also when it is broken, after what waits', () => {
      const broken = {
        ...FAILING,
        window: 0,
        brokenSince: SINCE,
        pending: 2,
        oldestDueAt: at(4),
        readAt: at(4),
      };
      expect(build(broken).warning).toBe(
        `Changes wait for it: they are sent when it answers again. The oldest is given up at 2026-12-02T02:00:00.000Z. ${disabledAt}`,
      );
    });

    test('says nothing of it when a few attempts failed, or when it is paused', () => {
      expect(build({ ...FAILING, consecutiveFailures: 11, readAt: at(4) }).warning).toBeNull();
      expect(build({ ...FAILING, state: 'paused', readAt: at(4) }).warning).toBeNull();
    });
  });
});
