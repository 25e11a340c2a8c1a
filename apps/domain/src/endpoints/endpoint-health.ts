import type { EndpointState } from './webhook-endpoint.ts';

export const ENDPOINT_HEALTH_STATES = ['healthy', 'struggling', 'broken', 'paused', 'disabled'] as const;
export type EndpointHealthState = (typeof ENDPOINT_HEALTH_STATES)[number];

/**
 * A failure or two are a deployment or one bad order, and the retries are there for them. Three in a row are
 * what somebody wants to hear of.
 */
export const STRUGGLING_AFTER_FAILURES = 3;

/** What is known of an endpoint and of the deliveries it has not accepted yet. */
export interface EndpointFacts {
  readonly state: EndpointState;
  /** Why it is paused or disabled. */
  readonly stateReason: string | null;
  /** How many of its deliveries may be `queued` at once. */
  readonly window: number;
  /** Attempts that failed since the last one that was acknowledged. */
  readonly consecutiveFailures: number;
  /** When the first of these failed. */
  readonly failingSince: Date | null;
  /** What the last of these came to, e.g. "rejected 503". */
  readonly lastFailureReason: string | null;
  readonly lastSuccessAt: Date | null;
  /** When a broken endpoint is tried next. */
  readonly nextProbeAt: Date | null;
  /** Deliveries that have not ended, counted up to a limit. */
  readonly pending: number;
  /** There are more than `pending` says. */
  readonly pendingCapped: boolean;
  /** The time of the oldest change among these. */
  readonly oldestPendingAt: Date | null;
}

export interface EndpointHealth {
  readonly state: EndpointHealthState;
  /** Why it is not healthy, as a sentence; null when it is. */
  readonly reason: string | null;
  /** When a broken endpoint is tried next; null otherwise. */
  readonly until: Date | null;
  /** What somebody should do something about. */
  readonly warning: string | null;
  readonly window: number;
  readonly consecutiveFailures: number;
  readonly lastSuccessAt: Date | null;
  readonly oldestPendingAt: Date | null;
  readonly pending: number;
  readonly pendingCapped: boolean;
}

/** Says in one look whether an endpoint takes its webhooks, and if not, since when and why. */
export function buildEndpointHealth(facts: EndpointFacts): EndpointHealth {
  const state = decideHealthState(facts);
  return {
    state,
    reason: describeReason(state, facts),
    until: state === 'broken' ? facts.nextProbeAt : null,
    warning: describeWarning(state, facts),
    window: facts.window,
    consecutiveFailures: facts.consecutiveFailures,
    lastSuccessAt: facts.lastSuccessAt,
    oldestPendingAt: facts.oldestPendingAt,
    pending: facts.pending,
    pendingCapped: facts.pendingCapped,
  };
}

/** A wish comes before a finding: what is sent nothing on purpose is not called broken. */
export function decideHealthState({
  state,
  window,
  consecutiveFailures,
}: Pick<EndpointFacts, 'state' | 'window' | 'consecutiveFailures'>): EndpointHealthState {
  if (state !== 'active') return state;
  if (window === 0) return 'broken';
  return consecutiveFailures >= STRUGGLING_AFTER_FAILURES ? 'struggling' : 'healthy';
}

function describeReason(state: EndpointHealthState, facts: EndpointFacts): string | null {
  switch (state) {
    case 'healthy':
      return null;
    case 'paused':
    case 'disabled':
      return facts.stateReason ?? `It was ${state}.`;
    case 'struggling':
    case 'broken':
      return describeFailures(facts);
  }
}

function describeFailures({ consecutiveFailures, failingSince, lastFailureReason }: EndpointFacts): string {
  if (failingSince === null) return 'Its attempts fail.';
  const last = lastFailureReason === null ? '' : `, the last one with: ${lastFailureReason}`;
  const attempts = consecutiveFailures === 1 ? '1 attempt' : `${consecutiveFailures} attempts in a row`;
  return `${attempts} failed since ${failingSince.toISOString()}${last}.`;
}

function describeWarning(
  state: EndpointHealthState,
  { pending, pendingCapped }: EndpointFacts,
): string | null {
  if (pending === 0) return null;
  if (state === 'paused') return 'Changes wait for it: they are sent when it is resumed.';
  if (state === 'disabled') return 'Changes wait for it: they are sent when it is enabled.';
  return pendingCapped ? `More than ${pending} changes wait for it.` : null;
}
