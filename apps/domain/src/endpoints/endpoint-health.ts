import type { EndpointFacts } from './endpoint-facts.ts';
import { describeWarning } from './endpoint-warning.ts';

export const ENDPOINT_HEALTH_STATES = ['healthy', 'struggling', 'broken', 'paused', 'disabled'] as const;
export type EndpointHealthState = (typeof ENDPOINT_HEALTH_STATES)[number];

/**
 * A failure or two are a deployment or one bad order, and the retries are there for them. Three in a row are
 * what somebody wants to hear of.
 */
export const STRUGGLING_AFTER_FAILURES = 3;

export interface EndpointHealth {
  readonly state: EndpointHealthState;
  /** Why it is not healthy, as a sentence; null when it is. */
  readonly reason: string | null;
  /**
   * When a broken endpoint is tried next; null otherwise: what is paused or disabled stays so until somebody opens
   * it. (When what it holds is given up, the warning says.)
   */
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

/**
 * Says in one look whether an endpoint takes its webhooks, and if not, since when and why.
 *
 * @param maxHoldMs how long a closed endpoint may hold a delivery
 */
export function buildEndpointHealth(facts: EndpointFacts, maxHoldMs: number): EndpointHealth {
  const state = decideHealthState(facts);
  return {
    state,
    reason: describeReason(state, facts),
    until: state === 'broken' ? facts.nextProbeAt : null,
    warning: describeWarning(facts, maxHoldMs),
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
