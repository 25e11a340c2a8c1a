/**
 * The window of an endpoint: how many of its deliveries may be `queued` at once, over all workers. It does three
 * things in one: a fair share for each endpoint, a breaker, and a gentle return.
 *
 * - *It grows* like TCP's in slow start: doubled, up to 64, after a full window of successes that began under it.
 * - *It halves* when an attempt gets no answer, or 429: at once, because that is how an endpoint fails that is gone
 *   or overloaded, whatever it is sent. On answers that may be one order's doing (see endpoint-signal.ts) only as
 *   the fifth in a row, of at least three orders. Two guards make the size of a blip not matter: only an attempt
 *   *begun after the last change* counts, because the others were under way when that was decided, and a change is
 *   left alone for a second.
 * - *At 0 the endpoint is broken*: it is sent one probe per cool-down, 1 s at first, doubled by each probe that
 *   fails, up to 15 s, and up to what a `Retry-After` asks for. The cool-downs of endpoints that broke together are
 *   spread by ± 20 %.
 * - *Any answer opens it* to 1 but those that say "not now", whoever got it: a probe, or an attempt that was under
 *   way when the window closed. From there it grows by 1, 2, 4.
 */
import type { EndpointSignal } from './endpoint-signal.ts';

export const LARGEST_WINDOW = 64;
/** A window is left alone for so long after it changed. */
export const WINDOW_REST_MS = 1_000;
/** A run of failed answers this long, of this many orders, is the endpoint's doing and not one order's. */
export const FAILED_RUN = { answers: 5, orders: 3 } as const;
/** Between two probes of a broken endpoint; `spread` is the share by which each may be shorter or longer. */
export const PROBE_COOLDOWN = { firstMs: 1_000, longestMs: 15_000, spread: 0.2 } as const;

export interface EndpointWindow {
  /** 0 to 64; 0 means broken. */
  readonly window: number;
  readonly windowChangedAt: Date;
  /** Failed answers in a row, and the orders that got them, at most as many as matter. */
  readonly failingAnswers: number;
  readonly failingOrderIds: readonly string[];
  /** The next three are null unless the endpoint is broken. */
  readonly brokenSince: Date | null;
  readonly nextProbeAt: Date | null;
  /** The cool-down that was kept last, without its spread. */
  readonly probeCooldownMs: number | null;
}

/** An attempt that ended, as far as the window goes. */
export interface WindowReport {
  readonly signal: EndpointSignal;
  readonly orderId: string;
  /** By the clock of `now` and `windowChangedAt`. */
  readonly begunAt: Date;
  readonly isProbe: boolean;
  /** What a `Retry-After` that counts asks for; else 0. */
  readonly askedWaitMs: number;
  /** Successes, this one included, of attempts that began under the window that last changed at `since`. */
  readonly successes: { readonly count: number; readonly since: Date } | null;
}

/**
 * Decides the window after an attempt.
 *
 * @param now by the database's clock
 * @param random from 0 to 1, spreads the probes
 * @returns `before` itself when nothing changes
 */
export function decideWindow(
  before: EndpointWindow,
  report: WindowReport,
  now: Date,
  random: number,
): EndpointWindow {
  switch (report.signal) {
    case 'accepted':
      return grow(open(forgiveRun(before), now), report, now);
    case 'answered':
      return open(forgiveRun(before), now);
    case 'failed':
      return afterFailure(countFailedAnswer(before, report.orderId), report, now, random);
    case 'silent':
      return afterFailure(before, report, now, random);
    case 'untried':
      return isFailedProbe(before, report) ? coolDown(before, report, now, random) : before;
  }
}

function forgiveRun(before: EndpointWindow): EndpointWindow {
  return before.failingAnswers === 0 ? before : { ...before, failingAnswers: 0, failingOrderIds: [] };
}

function open(before: EndpointWindow, now: Date): EndpointWindow {
  if (before.window > 0) return before;
  const healed = { brokenSince: null, nextProbeAt: null, probeCooldownMs: null };
  return { ...before, ...healed, window: 1, windowChangedAt: now };
}

function grow(before: EndpointWindow, { successes }: WindowReport, now: Date): EndpointWindow {
  const { window, windowChangedAt } = before;
  const isFull = successes !== null && successes.count >= window;
  if (window >= LARGEST_WINDOW || !isFull || successes.since.getTime() !== windowChangedAt.getTime()) {
    return before;
  }
  return { ...before, window: Math.min(window * 2, LARGEST_WINDOW), windowChangedAt: now };
}

function countFailedAnswer(before: EndpointWindow, orderId: string): EndpointWindow {
  const { failingAnswers, failingOrderIds } = before;
  const isKnown = failingOrderIds.includes(orderId) || failingOrderIds.length >= FAILED_RUN.orders;
  return {
    ...before,
    failingAnswers: failingAnswers + 1,
    failingOrderIds: isKnown ? failingOrderIds : [...failingOrderIds, orderId],
  };
}

function afterFailure(
  before: EndpointWindow,
  report: WindowReport,
  now: Date,
  random: number,
): EndpointWindow {
  if (isFailedProbe(before, report)) return coolDown(before, report, now, random);
  if (report.signal === 'failed' && !isLongRun(before)) return before;
  const { window, windowChangedAt } = before;
  const isNews = report.begunAt > windowChangedAt;
  const hasRested = now.getTime() - windowChangedAt.getTime() >= WINDOW_REST_MS;
  if (window === 0 || !isNews || !hasRested) return before;
  const halved = { ...before, window: Math.floor(window / 2), windowChangedAt: now };
  if (halved.window > 0) return halved;
  const probeCooldownMs = PROBE_COOLDOWN.firstMs;
  const nextProbeAt = addMs(now, spread(probeCooldownMs, random));
  return { ...halved, brokenSince: now, probeCooldownMs, nextProbeAt };
}

function isLongRun({ failingAnswers, failingOrderIds }: EndpointWindow): boolean {
  return failingAnswers >= FAILED_RUN.answers && failingOrderIds.length >= FAILED_RUN.orders;
}

function isFailedProbe({ window }: EndpointWindow, { isProbe }: WindowReport): boolean {
  return isProbe && window === 0;
}

function coolDown(
  before: EndpointWindow,
  { askedWaitMs }: WindowReport,
  now: Date,
  random: number,
): EndpointWindow {
  const lastMs = before.probeCooldownMs ?? PROBE_COOLDOWN.firstMs / 2;
  const probeCooldownMs = Math.min(lastMs * 2, PROBE_COOLDOWN.longestMs);
  const waitMs = Math.max(spread(probeCooldownMs, random), askedWaitMs);
  return { ...before, probeCooldownMs, nextProbeAt: addMs(now, waitMs) };
}

/** @returns `ms` give or take the spread, in whole milliseconds */
function spread(ms: number, random: number): number {
  return Math.round(ms * (1 + PROBE_COOLDOWN.spread * (2 * random - 1)));
}

function addMs(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
