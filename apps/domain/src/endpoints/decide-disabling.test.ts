import { describe, expect, test } from 'vitest';
import { type DisablingFacts, decideDisabling, decideLostAt, noteGoneOrder } from './decide-disabling.ts';
import { decideEndpoint, type EndpointRecord, type EndpointReport } from './decide-endpoint.ts';

const DAY_MS = 86_400_000;
const SINCE = new Date('2026-11-20T12:00:00.000Z');
const after = (days: number, ms = 0) => new Date(SINCE.getTime() + days * DAY_MS + ms);

const FAILING: DisablingFacts = {
  state: 'active',
  stateChangedAt: after(-100),
  consecutiveFailures: 40,
  failingSince: SINCE,
  goneOrderIds: [],
};

describe('five days without a success', () => {
  test('disable, and not a moment earlier', () => {
    expect(decideDisabling(FAILING, after(5, -1))).toBeNull();
    expect(decideDisabling(FAILING, after(5))).toBe(
      'It accepted nothing for 5 days: 40 attempts failed since 2026-11-20T12:00:00.000Z.',
    );
  });

  test.each([
    [1, false],
    [4, false],
    [11, false],
    [12, true],
  ])('and %i failures: disabled is %s', (consecutiveFailures, isDisabled) => {
    expect(decideDisabling({ ...FAILING, consecutiveFailures }, after(30)) !== null).toBe(isDisabled);
  });

  test('are those in which it was open: the days of a pause do not count', () => {
    const resumed = { ...FAILING, stateChangedAt: after(20) };
    expect(decideDisabling(resumed, after(25, -1))).toBeNull();
    expect(decideDisabling(resumed, after(25))).not.toBeNull();
    expect(decideLostAt(resumed)).toEqual(after(25));
  });

  test('are over with a success', () => {
    expect(decideDisabling({ ...FAILING, consecutiveFailures: 0, failingSince: null }, after(30))).toBeNull();
  });
});

describe('410', () => {
  const gone = (...orderIds: string[]) =>
    orderIds.reduce<readonly string[]>(
      (ids, orderId) => noteGoneOrder(ids, { orderId, responseStatus: 410 }),
      [],
    );

  test.each([
    [['a', 'b'], false],
    [['a', 'b', 'a', 'b', 'b'], false],
    [['a', 'b', 'c'], true],
    [['a', 'b', 'a', 'c', 'd', 'e'], true],
  ])('for the orders %j: disabled is %s', (orderIds, isDisabled) => {
    const facts = {
      ...FAILING,
      consecutiveFailures: 3,
      failingSince: after(0),
      goneOrderIds: gone(...orderIds),
    };
    expect(decideDisabling(facts, after(0)) !== null).toBe(isDisabled);
    expect(facts.goneOrderIds.length).toBeLessThanOrEqual(3);
  });

  test('says so', () => {
    const facts = { ...FAILING, goneOrderIds: gone('a', 'b', 'c') };
    expect(decideDisabling(facts, after(9))).toBe(
      'It answered 410 Gone for 3 orders, and accepted nothing in between.',
    );
  });

  test.each([404, 400, 500, 200, null])('is not %s', (responseStatus) => {
    const before = ['a'];
    expect(noteGoneOrder(before, { orderId: 'b', responseStatus })).toBe(before);
  });
});

test.each(['paused', 'disabled'] as const)('what is %s stays so, whatever it answers', (state) => {
  const facts = { ...FAILING, state, goneOrderIds: ['a', 'b', 'c'] };
  expect(decideDisabling(facts, after(30))).toBeNull();
  expect(decideLostAt(facts)).toBeNull();
});

describe('an attempt', () => {
  const NO_REPORT: EndpointReport = {
    signal: 'answered',
    orderId: 'a',
    begunAt: after(0),
    isProbe: false,
    askedWaitMs: 0,
    successes: null,
    reason: 'rejected 410',
    responseStatus: 410,
    isFailure: true,
  };
  const gone = (orderId: string): EndpointReport => ({ ...NO_REPORT, orderId });
  const accepted: EndpointReport = {
    ...NO_REPORT,
    signal: 'accepted',
    reason: 'acknowledged 200',
    responseStatus: 200,
  };
  const failed: EndpointReport = {
    ...NO_REPORT,
    signal: 'silent',
    reason: 'timed_out',
    responseStatus: null,
  };

  const HEALTHY: EndpointRecord = {
    ...FAILING,
    stateReason: null,
    consecutiveFailures: 0,
    failingSince: null,
    window: 16,
    windowChangedAt: after(-1),
    failingAnswers: 0,
    failingOrderIds: [],
    brokenSince: null,
    nextProbeAt: null,
    probeCooldownMs: null,
    lastSuccessAt: after(0),
    lastFailureAt: null,
    lastFailureReason: null,
  };
  const decide = (record: EndpointRecord, now: Date, ...reports: EndpointReport[]) =>
    reports.reduce((before, report) => decideEndpoint(before, report, now, 0.5), record);

  test('that is the third order’s 410 disables it; a success between begins anew', () => {
    const [a, b, c] = [gone('a'), gone('b'), gone('c')];
    expect(decide(HEALTHY, after(1), a, b, c)).toMatchObject({
      state: 'disabled',
      stateReason: expect.stringMatching(/410/),
      stateChangedAt: after(1),
      goneOrderIds: ['a', 'b', 'c'],
    });
    expect(decide(HEALTHY, after(1), a, b, failed, c).state).toBe('disabled');
    expect(decide(HEALTHY, after(1), a, b, accepted, c)).toMatchObject({
      state: 'active',
      goneOrderIds: ['c'],
    });
  });

  test('after five days disables it when it fails, not when it is accepted', () => {
    const failing = { ...HEALTHY, consecutiveFailures: 40, failingSince: SINCE };
    expect(decide(failing, after(5), failed)).toMatchObject({
      state: 'disabled',
      stateReason: 'It accepted nothing for 5 days: 41 attempts failed since 2026-11-20T12:00:00.000Z.',
    });
    expect(decide(failing, after(5), accepted)).toMatchObject({ state: 'active', stateReason: null });
    expect(decide(failing, after(5), { ...failed, isFailure: false }).state).toBe('active');
  });

  test('that ends later changes nothing of why and when it was disabled', () => {
    const disabled = decide({ ...HEALTHY, goneOrderIds: ['a', 'b'] }, after(1), gone('c'));
    const later = decide(disabled, after(2), gone('d'), failed);
    expect(later).toMatchObject({
      state: 'disabled',
      stateReason: disabled.stateReason,
      stateChangedAt: after(1),
    });
    expect(decide(disabled, after(2), accepted).state).toBe('disabled');
  });
});
