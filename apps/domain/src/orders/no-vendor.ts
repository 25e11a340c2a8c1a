/** An order that nobody took in time: when that is, and how its cancellation is told from a person's. */
import type { Actor } from './actor.ts';
import type { OrderSnapshot } from './order.ts';

/** The reason of a cancellation because nobody took the order in time. */
export const NO_VENDOR_REASON = 'no_vendor';

/** This system itself. Receivers see an admin; no operator can have this name. */
export const SYSTEM_ACTOR: Actor = { type: 'admin', id: 'system' };

/** True for a reason that no person wrote. */
export function isSystemReason(reason: string): boolean {
  return reason === NO_VENDOR_REASON;
}

/**
 * Whether an order has been offered for `offerTtlMs` and nobody took it. The time counts from when the order last
 * became pending, or from the time it is scheduled for when that is later: an order for next week may wait for a
 * vendor until then.
 */
export function isOfferExpired(
  order: Pick<OrderSnapshot, 'status' | 'updatedAt' | 'scheduledAt'>,
  offerTtlMs: number,
  now: Date,
): boolean {
  if (order.status !== 'pending') return false;
  const offeredFromMs = Math.max(order.updatedAt.getTime(), order.scheduledAt?.getTime() ?? 0);
  return offeredFromMs + offerTtlMs <= now.getTime();
}
