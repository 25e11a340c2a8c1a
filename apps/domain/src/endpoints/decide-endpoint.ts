import { decideDisabling, noteGoneOrder } from './decide-disabling.ts';
import { decideWindow, type EndpointWindow, type WindowReport } from './decide-window.ts';
import type { EndpointState } from './webhook-endpoint.ts';

/** How old a noted success may be: this coarse, so that an endpoint that works costs no write per delivery. */
export const SUCCESS_NEWS_MS = 60_000;

/** What attempts have shown of an endpoint: the part of its row that is read, decided and written in one. */
export interface EndpointRecord extends EndpointWindow {
  readonly state: EndpointState;
  /** Why it is paused or disabled, for its owner. */
  readonly stateReason: string | null;
  readonly stateChangedAt: Date;
  /** Attempts that failed since the last one that was acknowledged. */
  readonly consecutiveFailures: number;
  /** When the first of these failed. */
  readonly failingSince: Date | null;
  /** Orders answered 410 since the last success; at most as many as matter. */
  readonly goneOrderIds: readonly string[];
  /** To within `SUCCESS_NEWS_MS`. */
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  /** e.g. "rejected 503"; no secrets, because the endpoint's owner reads it. */
  readonly lastFailureReason: string | null;
}

/** An attempt that ended, as far as its endpoint goes. */
export interface EndpointReport extends WindowReport {
  /** What the attempt came to, e.g. "rejected 503". */
  readonly reason: string;
  /** When an answer with one arrived. */
  readonly responseStatus: number | null;
  /** False when refusing it is not held against the endpoint: the other of two shared secrets is tried next. */
  readonly isFailure: boolean;
}

/**
 * Decides everything that an attempt changes of its endpoint.
 *
 * @param now by the database's clock
 * @param random from 0 to 1
 */
export function decideEndpoint(
  before: EndpointRecord,
  report: EndpointReport,
  now: Date,
  random: number,
): EndpointRecord {
  const after = {
    ...before,
    ...decideWindow(before, report, now, random),
    ...decideRun(before, report, now),
  };
  const hasFailed = report.signal !== 'accepted' && report.isFailure;
  const stateReason = hasFailed ? decideDisabling(after, now) : null;
  return stateReason === null ? after : { ...after, state: 'disabled', stateReason, stateChangedAt: now };
}

/** The run of failures an operator wants to know of: since when, how many, how, and when it last worked. */
function decideRun(before: EndpointRecord, report: EndpointReport, now: Date): Partial<EndpointRecord> {
  const { signal, isFailure, reason } = report;
  if (signal === 'accepted') {
    const { lastSuccessAt, failingSince } = before;
    const isNews = lastSuccessAt === null || now.getTime() - lastSuccessAt.getTime() >= SUCCESS_NEWS_MS;
    return isNews || failingSince !== null
      ? { consecutiveFailures: 0, failingSince: null, goneOrderIds: [], lastSuccessAt: now }
      : {};
  }
  if (!isFailure) return {};
  return {
    consecutiveFailures: before.consecutiveFailures + 1,
    failingSince: before.failingSince ?? now,
    goneOrderIds: noteGoneOrder(before.goneOrderIds, report),
    lastFailureAt: now,
    lastFailureReason: reason,
  };
}
