import type { EndpointState } from './webhook-endpoint.ts';

/** What is known of an endpoint and of the deliveries it has not accepted yet. */
export interface EndpointFacts {
  readonly state: EndpointState;
  /** Why it is paused or disabled. */
  readonly stateReason: string | null;
  /** When it was paused or disabled, or opened again. */
  readonly stateChangedAt: Date;
  /** How many of its deliveries may be `queued` at once. */
  readonly window: number;
  /** Attempts that failed since the last one that was acknowledged. */
  readonly consecutiveFailures: number;
  /** When the first of these failed. */
  readonly failingSince: Date | null;
  /** What the last of these came to, e.g. "rejected 503". */
  readonly lastFailureReason: string | null;
  readonly lastSuccessAt: Date | null;
  /** When its window was closed; null unless it is broken. */
  readonly brokenSince: Date | null;
  /** When a broken endpoint is tried next. */
  readonly nextProbeAt: Date | null;
  /** Deliveries that have not ended, counted up to a limit. */
  readonly pending: number;
  /** There are more than `pending` says. */
  readonly pendingCapped: boolean;
  /** The time of the oldest change among these. */
  readonly oldestPendingAt: Date | null;
  /** When the first of those that wait was due, or will be; null when none waits. */
  readonly oldestDueAt: Date | null;
  /** When all this was so, by the database's clock. */
  readonly readAt: Date;
}
