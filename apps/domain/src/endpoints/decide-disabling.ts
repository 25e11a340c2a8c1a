/**
 * When an endpoint is taken for gone for good. Nothing more is sent to it then, until somebody enables it; what it
 * was to be sent is kept as a paused endpoint's is.
 */
import type { EndpointState } from './webhook-endpoint.ts';

/** So many orders answered 410, with no success between: one alone may be that order's doing. */
export const GONE_ORDERS = 3;
const GONE = 410;

const DAY_MS = 86_400_000;
/** A server that is away for a weekend with a holiday is not gone. */
export const LOST_AFTER_MS = 5 * DAY_MS;
/** Somebody is to hear of it on the day before. */
export const WARNED_BEFORE_MS = DAY_MS;
/**
 * All the attempts of three deliveries, with the default retries: an endpoint that is told of something once a week
 * is not gone for having been away at one or two of these moments. One that is told of something every day fails as
 * often in three days, and a broken one that something waits for fails as often in minutes, by its probes.
 */
export const LOST_AFTER_FAILURES = 12;

export const GONE_REASON = `It answered 410 Gone for ${GONE_ORDERS} orders, and accepted nothing in between.`;
/** How the reason of the other rule begins. */
export const LOST_REASON_START = `It accepted nothing for ${LOST_AFTER_MS / DAY_MS} days`;

/** What is known of an endpoint, the attempt that has just failed included. */
export interface DisablingFacts {
  readonly state: EndpointState;
  /** When it was opened last, while it is active. */
  readonly stateChangedAt: Date;
  /** Attempts that failed since the last one that was acknowledged. */
  readonly consecutiveFailures: number;
  /** When the first of these failed. */
  readonly failingSince: Date | null;
  /** Orders answered 410 since the last success (see `noteGoneOrder`). */
  readonly goneOrderIds: readonly string[];
}

/**
 * Decides whether the failure that has just been noted is one too many.
 *
 * @param now by the database's clock
 * @returns the reason, for the endpoint's owner; null when it goes on
 */
export function decideDisabling(facts: DisablingFacts, now: Date): string | null {
  if (facts.state !== 'active') return null;
  if (facts.goneOrderIds.length >= GONE_ORDERS) return GONE_REASON;
  const lostAt = decideLostAt(facts);
  if (lostAt === null || now < lostAt) return null;
  return `${LOST_REASON_START}: ${facts.consecutiveFailures} attempts failed since ${facts.failingSince?.toISOString()}.`;
}

/**
 * From when on a failure disables the endpoint; null while it has not failed often enough. What it was closed on
 * purpose for does not count: the time begins anew when it is opened.
 */
export function decideLostAt({
  state,
  stateChangedAt,
  consecutiveFailures,
  failingSince,
}: Omit<DisablingFacts, 'goneOrderIds'>): Date | null {
  if (state !== 'active' || failingSince === null || consecutiveFailures < LOST_AFTER_FAILURES) return null;
  return new Date(Math.max(failingSince.getTime(), stateChangedAt.getTime()) + LOST_AFTER_MS);
}

/**
 * The orders answered 410 since the last success, after another answer that was no success; at most `GONE_ORDERS`.
 *
 * @returns `goneOrderIds` itself when nothing changes
 */
export function noteGoneOrder(
  goneOrderIds: readonly string[],
  { orderId, responseStatus }: { readonly orderId: string; readonly responseStatus: number | null },
): readonly string[] {
  if (responseStatus !== GONE || goneOrderIds.includes(orderId)) return goneOrderIds;
  return goneOrderIds.length < GONE_ORDERS ? [...goneOrderIds, orderId] : goneOrderIds;
}
