import { describe, expect, test } from 'vitest';
import { decideWindow, type EndpointWindow, type WindowReport } from './decide-window.ts';

const START = new Date('2026-11-25T02:00:00.000Z');
const at = (ms: number) => new Date(START.getTime() + ms);
const MIDDLE = 0.5;

const HEALTHY: EndpointWindow = {
  window: 16,
  windowChangedAt: START,
  failingAnswers: 0,
  failingOrderIds: [],
  brokenSince: null,
  nextProbeAt: null,
  probeCooldownMs: null,
};
const BROKEN: EndpointWindow = {
  ...HEALTHY,
  window: 0,
  brokenSince: START,
  nextProbeAt: at(1_000),
  probeCooldownMs: 1_000,
};

function report(signal: WindowReport['signal'], options: Partial<WindowReport> = {}): WindowReport {
  const defaults = { orderId: 'a', begunAt: at(1), isProbe: false, askedWaitMs: 0, successes: null };
  return { ...defaults, ...options, signal };
}

/** One report after the other, all at the same time. */
function fold(before: EndpointWindow, reports: readonly WindowReport[], now: Date): EndpointWindow {
  return reports.reduce((window, next) => decideWindow(window, next, now, MIDDLE), before);
}

describe('silence', () => {
  test('of an attempt that began after the last change halves the window', () => {
    expect(decideWindow(HEALTHY, report('silent'), at(10_000), MIDDLE)).toEqual({
      ...HEALTHY,
      window: 8,
      windowChangedAt: at(10_000),
    });
  });

  test('of sixteen attempts of one blip halves it once', () => {
    const blip = Array.from({ length: 16 }, (_, n) => report('silent', { begunAt: at(n + 1) }));
    const after = fold(HEALTHY, blip, at(10_000));
    expect(after).toMatchObject({ window: 8 });
    // Also those that are told later, however late.
    expect(fold(after, blip, at(30_000))).toBe(after);
  });

  test('is left alone within a second after a change', () => {
    expect(decideWindow(HEALTHY, report('silent'), at(999), MIDDLE)).toBe(HEALTHY);
    expect(decideWindow(HEALTHY, report('silent'), at(1_000), MIDDLE)).toMatchObject({ window: 8 });
  });

  test('of an attempt that began as the window changed says nothing new', () => {
    expect(decideWindow(HEALTHY, report('silent', { begunAt: START }), at(10_000), MIDDLE)).toBe(HEALTHY);
  });

  test('closes the window in the end, and has it probed after a second', () => {
    const windows: number[] = [];
    let window = HEALTHY;
    for (let second = 1; second <= 5; second += 1) {
      window = decideWindow(
        window,
        report('silent', { begunAt: at(second * 1_000 - 1) }),
        at(second * 1_000),
        MIDDLE,
      );
      windows.push(window.window);
    }
    expect(windows).toEqual([8, 4, 2, 1, 0]);
    expect(window).toMatchObject({ brokenSince: at(5_000), nextProbeAt: at(6_000), probeCooldownMs: 1_000 });
  });
});

describe('failed answers', () => {
  const failed = (orderIds: readonly string[]) => orderIds.map((orderId) => report('failed', { orderId }));

  test.each([
    ['four', ['a', 'b', 'c', 'd'], 16],
    ['five of one order', ['a', 'a', 'a', 'a', 'a'], 16],
    ['five of two orders', ['a', 'b', 'a', 'b', 'a'], 16],
    ['five of three orders', ['a', 'b', 'c', 'a', 'b'], 8],
    ['three orders early, the fifth of one of them', ['a', 'b', 'c', 'c', 'c'], 8],
    ['five of five orders', ['a', 'b', 'c', 'd', 'e'], 8],
  ])('%s in a row', (_title, orderIds, window) => {
    expect(fold(HEALTHY, failed(orderIds), at(1_000))).toMatchObject({ window });
  });

  test.each(['accepted', 'answered'] as const)('are a run no more once one is %s', (signal) => {
    const mixed = [...failed(['a', 'b', 'c', 'd']), report(signal), ...failed(['e', 'f', 'g', 'h'])];
    expect(fold(HEALTHY, mixed, at(1_000))).toMatchObject({ window: 16, failingAnswers: 4 });
  });

  test('of one order that fails for ever throttle nothing', () => {
    let window = HEALTHY;
    for (let n = 1; n <= 1_000; n += 1) {
      const now = at(n * 1_000);
      window = decideWindow(window, report('failed', { begunAt: now }), now, MIDDLE);
    }
    expect(window).toMatchObject({ window: 16, failingOrderIds: ['a'] });
  });

  test('that go on halve it again, each a second after the last', () => {
    let window = fold(HEALTHY, failed(['a', 'b', 'c', 'd', 'e']), at(1_000));
    for (const [second, expected] of [
      [2, 4],
      [3, 2],
      [4, 1],
      [5, 0],
    ] as const) {
      window = decideWindow(
        window,
        report('failed', { begunAt: at(second * 1_000 - 1) }),
        at(second * 1_000),
        MIDDLE,
      );
      expect(window.window).toBe(expected);
    }
  });
});

describe('successes', () => {
  const full = (count: number, since = START) => report('accepted', { successes: { count, since } });

  test('double the window when it is full of them, up to 64', () => {
    expect(decideWindow(HEALTHY, full(15), at(10), MIDDLE)).toBe(HEALTHY);
    const grown = decideWindow(HEALTHY, full(16), at(10), MIDDLE);
    expect(grown).toEqual({ ...HEALTHY, window: 32, windowChangedAt: at(10) });
    const largest = decideWindow(grown, full(32, at(10)), at(20), MIDDLE);
    expect(largest).toMatchObject({ window: 64 });
    expect(decideWindow(largest, full(64, at(20)), at(30), MIDDLE)).toBe(largest);
    expect(decideWindow({ ...HEALTHY, window: 48 }, full(48), at(10), MIDDLE)).toMatchObject({ window: 64 });
  });

  test('that began under an earlier window are not counted for this one', () => {
    const grown = decideWindow(HEALTHY, full(16), at(10), MIDDLE);
    expect(decideWindow(grown, full(64), at(20), MIDDLE)).toBe(grown);
  });
});

describe('a broken endpoint', () => {
  test.each(['accepted', 'answered'] as const)('opens to one when a probe is %s', (signal) => {
    expect(decideWindow(BROKEN, report(signal, { isProbe: true }), at(1_500), MIDDLE)).toEqual({
      ...HEALTHY,
      window: 1,
      windowChangedAt: at(1_500),
    });
  });

  test('opens, too, when an attempt is accepted that was under way when it closed', () => {
    expect(decideWindow(BROKEN, report('accepted', { begunAt: at(-5_000) }), at(1), MIDDLE)).toMatchObject({
      window: 1,
      brokenSince: null,
    });
  });

  test.each(['failed', 'silent', 'untried'] as const)(
    'cools down for twice as long when one is %s',
    (signal) => {
      let window: EndpointWindow = BROKEN;
      const waits: number[] = [];
      for (let n = 0; n < 6; n += 1) {
        window = decideWindow(window, report(signal, { isProbe: true }), START, MIDDLE);
        waits.push((window.nextProbeAt?.getTime() ?? 0) - START.getTime());
      }
      expect(waits).toEqual([2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
      expect(window).toMatchObject({ window: 0, windowChangedAt: START, brokenSince: START });
    },
  );

  test('waits as long as a probe was asked to, when that is longer', () => {
    const asked = (askedWaitMs: number) =>
      decideWindow(BROKEN, report('silent', { isProbe: true, askedWaitMs }), START, MIDDLE).nextProbeAt;
    expect(asked(1_999)).toEqual(at(2_000));
    expect(asked(3_600_000)).toEqual(at(3_600_000));
  });

  test('spreads its probes', () => {
    const next = (random: number) =>
      decideWindow(BROKEN, report('silent', { isProbe: true }), START, random).nextProbeAt;
    expect([next(0), next(1)]).toEqual([at(1_600), at(2_400)]);
  });

  test('learns nothing from what was under way when it closed and fails', () => {
    expect(decideWindow(BROKEN, report('silent'), at(5_000), MIDDLE)).toBe(BROKEN);
  });

  test('that opened is not closed by its probe that fails afterwards', () => {
    const opened = { ...HEALTHY, window: 1, windowChangedAt: at(2_000) };
    expect(decideWindow(opened, report('silent', { isProbe: true }), at(9_000), MIDDLE)).toBe(opened);
  });
});

test('an address that webhooks may not reach says nothing of a window', () => {
  expect(decideWindow(HEALTHY, report('untried'), at(5_000), MIDDLE)).toBe(HEALTHY);
});
