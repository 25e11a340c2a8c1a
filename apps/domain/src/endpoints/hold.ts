import type { EndpointState } from './webhook-endpoint.ts';

/** `last_error` of a delivery that a closed endpoint held for longer than it may. */
export const HELD_TOO_LONG = 'held_too_long';

/** Why an endpoint is sent nothing, if so, and since when. */
export interface ClosedFacts {
  readonly state: EndpointState;
  /** When it was paused or disabled, or opened again. */
  readonly stateChangedAt: Date;
  /** How many of its deliveries may be `queued` at once; 0 when it is broken. */
  readonly window: number;
  /** When its window was closed; null unless it is broken. */
  readonly brokenSince: Date | null;
}

/**
 * Since when an endpoint is sent nothing; null when it is open. A broken one that was paused later was closed when
 * it broke: what it holds has waited for as long. (The worker's `CLOSED_SINCE` is the same in SQL.)
 */
export function decideClosedSince({ state, stateChangedAt, window, brokenSince }: ClosedFacts): Date | null {
  const broken = window === 0 ? (brokenSince ?? stateChangedAt) : null;
  const closed = state === 'active' ? null : stateChangedAt;
  if (broken === null || closed === null) return broken ?? closed;
  return broken < closed ? broken : closed;
}

/**
 * When a delivery that a closed endpoint holds is given up: the time counts from when the delivery was due and the
 * endpoint closed, whichever came later. Waits between retries, and behind another delivery of its order, come
 * before it is due.
 *
 * @param closedSince see `decideClosedSince`
 * @param maxHoldMs the setting's
 */
export function decideGivenUpAt(closedSince: Date, dueAt: Date, maxHoldMs: number): Date {
  return new Date(Math.max(closedSince.getTime(), dueAt.getTime()) + maxHoldMs);
}
