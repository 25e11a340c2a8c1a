import { describe, expect, test } from 'vitest';
import { buildEndpointHealth, type EndpointFacts } from './endpoint-health.ts';

const SINCE = new Date('2026-11-25T02:00:00.000Z');
const LATER = new Date('2026-11-25T03:00:00.000Z');

const HEALTHY: EndpointFacts = {
  state: 'active',
  stateReason: null,
  window: 16,
  consecutiveFailures: 0,
  failingSince: null,
  lastFailureReason: null,
  lastSuccessAt: SINCE,
  nextProbeAt: null,
  pending: 0,
  pendingCapped: false,
  oldestPendingAt: null,
};
const FAILING = {
  ...HEALTHY,
  consecutiveFailures: 12,
  failingSince: SINCE,
  lastFailureReason: 'rejected 503',
};

describe('health', () => {
  test('of an endpoint that takes everything has nothing to say', () => {
    expect(buildEndpointHealth(HEALTHY)).toEqual({
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
    expect(buildEndpointHealth({ ...FAILING, consecutiveFailures })).toMatchObject({
      state,
      consecutiveFailures,
    });
  });

  test('names since when and why it struggles', () => {
    expect(buildEndpointHealth(FAILING)).toMatchObject({
      state: 'struggling',
      reason: '12 attempts in a row failed since 2026-11-25T02:00:00.000Z, the last one with: rejected 503.',
      until: null,
    });
  });

  test('is broken at window 0, until the next probe', () => {
    expect(buildEndpointHealth({ ...FAILING, window: 0, nextProbeAt: LATER })).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining('since 2026-11-25T02:00:00.000Z'),
      until: LATER,
      window: 0,
    });
    expect(buildEndpointHealth({ ...HEALTHY, window: 0, consecutiveFailures: 1 })).toMatchObject({
      state: 'broken',
      reason: 'Its attempts fail.',
    });
  });

  test.each(['paused', 'disabled'] as const)('of a %s endpoint says so whatever failed before', (state) => {
    const facts = { ...FAILING, window: 0, nextProbeAt: LATER, state };
    expect(buildEndpointHealth({ ...facts, stateReason: 'Because.' })).toMatchObject({
      state,
      reason: 'Because.',
      until: null,
      warning: null,
    });
    expect(buildEndpointHealth(facts).reason).toBe(`It was ${state}.`);
  });

  test.each([
    ['paused', false, 'Changes wait for it: they are sent when it is resumed.'],
    ['disabled', true, 'Changes wait for it: they are sent when it is enabled.'],
    ['active', true, 'More than 1000 changes wait for it.'],
    ['active', false, null],
  ] as const)('of an endpoint that is %s with a backlog warns', (state, pendingCapped, warning) => {
    const backlog = { pending: 1000, pendingCapped, oldestPendingAt: SINCE };
    expect(buildEndpointHealth({ ...HEALTHY, state, ...backlog })).toMatchObject({ warning, ...backlog });
  });
});
