/** What holds of a window whatever the endpoint does and in whatever order attempts are told of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideWindow,
  type EndpointWindow,
  LARGEST_WINDOW,
  PROBE_COOLDOWN,
  WINDOW_REST_MS,
  type WindowReport,
} from './decide-window.ts';

const START = Date.UTC(2026, 10, 25);

const FIRST: EndpointWindow = {
  window: 16,
  windowChangedAt: new Date(START),
  failingAnswers: 0,
  failingOrderIds: [],
  brokenSince: null,
  nextProbeAt: null,
  probeCooldownMs: null,
};

/** A report and how long after the one before it is told, of an attempt that took so long. */
interface Told {
  readonly afterMs: number;
  readonly tookMs: number;
  readonly random: number;
  readonly report: Omit<WindowReport, 'begunAt' | 'successes'>;
  /** How many successes the worker claims to have counted. */
  readonly counted: number;
}

const signals = fc.constantFrom('accepted', 'answered', 'failed', 'silent', 'untried');
const told: fc.Arbitrary<Told> = fc.record({
  // Often so short that an attempt begins and ends between two reports.
  afterMs: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 3_000 })),
  tookMs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 10_000 })),
  random: fc.double({ min: 0, max: 1, noNaN: true }),
  counted: fc.integer({ min: 0, max: 200 }),
  report: fc.record({
    signal: signals,
    orderId: fc.constantFrom('a', 'b', 'c', 'd'),
    isProbe: fc.boolean(),
    askedWaitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_600_000 })),
  }),
});

type Step = { readonly before: EndpointWindow; readonly after: EndpointWindow; readonly now: Date };

/** Plays them one after the other; gives what each changed. */
function play(all: readonly Told[]): (Step & { report: WindowReport })[] {
  let now = START;
  let before = FIRST;
  return all.map(({ afterMs, tookMs, random, counted, report }) => {
    now += afterMs;
    const successes = { count: counted, since: before.windowChangedAt };
    const told = { ...report, begunAt: new Date(now - tookMs), successes };
    const after = decideWindow(before, told, new Date(now), random);
    const step = { before, after, now: new Date(now), report: told };
    before = after;
    return step;
  });
}

const last = (steps: readonly { after: EndpointWindow }[]) => steps.at(-1)?.after ?? FIRST;

describe('a window', () => {
  it('stays between 0 and 64', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 200 }), (all) => {
        for (const { after } of play(all)) {
          expect(after.window).toBeGreaterThanOrEqual(0);
          expect(after.window).toBeLessThanOrEqual(LARGEST_WINDOW);
          expect(Number.isInteger(after.window)).toBe(true);
        }
      }),
    );
  });

  it('is at least halved and never doubled twice in one step, and its time of change tells of every change', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 200 }), (all) => {
        for (const { before, after, now } of play(all)) {
          const allowed = [
            before.window,
            Math.floor(before.window / 2),
            Math.min(before.window * 2, LARGEST_WINDOW),
            ...(before.window === 0 ? [1] : []),
          ];
          expect(allowed).toContain(after.window);
          expect(after.windowChangedAt).toEqual(
            after.window === before.window ? before.windowChangedAt : now,
          );
        }
      }),
    );
  });

  it('halves at most once a second, in whatever order attempts are told of', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 300 }), (all) => {
        const halvings = play(all).filter(({ before, after }) => after.window < before.window);
        for (const [index, { now }] of halvings.entries()) {
          const earlier = halvings[index - 1];
          if (earlier) expect(now.getTime() - earlier.now.getTime()).toBeGreaterThanOrEqual(WINDOW_REST_MS);
        }
      }),
    );
  });

  it('halves once for all the attempts of one blip, told in any order and any time apart', () => {
    const blip = fc.array(
      fc.record({
        begunMs: fc.integer({ min: 1, max: 500 }),
        toldMs: fc.integer({ min: 2_000, max: 60_000 }),
        signal: fc.constantFrom('silent', 'failed'),
        orderId: fc.constantFrom('a', 'b', 'c'),
      }),
      { minLength: 5, maxLength: 64 },
    );
    fc.assert(
      fc.property(blip, fc.constantFrom(1, 2, 8, 16, 64), (attempts, window) => {
        const before = { ...FIRST, window };
        const inOrder = attempts.toSorted((a, b) => a.toldMs - b.toldMs);
        const after = inOrder.reduce<EndpointWindow>((current, { begunMs, toldMs, signal, orderId }) => {
          const begunAt = new Date(START + begunMs);
          const report = {
            signal,
            orderId,
            begunAt,
            isProbe: false,
            askedWaitMs: 0,
            successes: null,
          } as const;
          return decideWindow(current, report, new Date(START + toldMs), 0.5);
        }, before);
        expect([window, Math.floor(window / 2)]).toContain(after.window);
        if (attempts.some(({ signal }) => signal === 'silent'))
          expect(after.window).toBe(Math.floor(window / 2));
      }),
    );
  });

  it('is never made smaller by one order, or two, whatever they answer', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 200 }), (all) => {
        const ofTwo = all
          .filter(({ report }) => report.signal !== 'silent')
          .map((each) => ({ ...each, report: { ...each.report, orderId: each.tookMs % 2 ? 'a' : 'b' } }));
        for (const { before, after } of play(ofTwo)) {
          expect(after.window).toBeGreaterThanOrEqual(before.window);
        }
      }),
    );
  });

  it('is broken exactly at 0, and then has its next probe within the bounds of its cool-down', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 300 }), (all) => {
        for (const { before, after, now, report } of play(all)) {
          const isBroken = after.window === 0;
          expect(after.brokenSince !== null).toBe(isBroken);
          expect(after.nextProbeAt !== null).toBe(isBroken);
          expect(after.probeCooldownMs !== null).toBe(isBroken);
          const { nextProbeAt, probeCooldownMs } = after;
          if (nextProbeAt === null || probeCooldownMs === null || nextProbeAt === before.nextProbeAt)
            continue;
          expect(probeCooldownMs).toBeGreaterThanOrEqual(PROBE_COOLDOWN.firstMs);
          expect(probeCooldownMs).toBeLessThanOrEqual(PROBE_COOLDOWN.longestMs);
          const waitMs = nextProbeAt.getTime() - now.getTime();
          expect(waitMs).toBeGreaterThanOrEqual(Math.floor(probeCooldownMs * 0.8));
          const asked = before.window === 0 ? report.askedWaitMs : 0;
          expect(waitMs).toBeLessThanOrEqual(Math.max(Math.ceil(probeCooldownMs * 1.2), asked));
        }
      }),
    );
  });

  it('always comes back: an answer opens it, and successes make it as large as any', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 100 }), (all) => {
        let window = last(play(all));
        let now = START + 10_000_000;
        const succeed = (count: number) => {
          now += 10;
          const successes = { count, since: window.windowChangedAt };
          const report = {
            signal: 'accepted',
            orderId: 'z',
            begunAt: new Date(now - 1),
            isProbe: true,
          } as const;
          window = decideWindow(window, { ...report, askedWaitMs: 0, successes }, new Date(now), 0.5);
        };
        const seen: number[] = [];
        for (let n = 0; n < 7; n += 1) {
          succeed(Math.max(window.window, 1));
          seen.push(window.window);
        }
        expect(seen.at(-1)).toBe(LARGEST_WINDOW);
        expect(window).toMatchObject({ failingAnswers: 0, failingOrderIds: [], brokenSince: null });
      }),
    );
  });
});
