import type { Actor, ActorType } from './actor.ts';
import type { CancelledBy, OrderSnapshot } from './order.ts';

/** What an effect may draw on besides the order itself. */
export interface EffectContext {
  changedAt: Date;
  actor: Actor;
  /** The vendor that the change gives the order to. */
  vendorId: string | null;
  /** The new fare, when the request named one. */
  amount: number | null;
  reason: string | null;
}

type EffectFunction = (order: OrderSnapshot, context: EffectContext) => Partial<OrderSnapshot>;

/** Receivers know three parties: a partner speaks for the vendor. */
const CANCELLED_BY: Record<ActorType, CancelledBy> = {
  customer_server: 'customer',
  vendor: 'vendor',
  partner: 'vendor',
  admin: 'admin',
};

/** What a change can do to an order besides its status; each effect sets exactly the field it is named for. */
const EFFECTS = {
  set_vendor: (_order, { vendorId }) => ({ vendorId }),
  clear_vendor: () => ({ vendorId: null }),
  set_assigned_at: (_order, { changedAt }) => ({ assignedAt: changedAt }),
  set_assigned_at_if_unset: (order, { changedAt }) => ({ assignedAt: order.assignedAt ?? changedAt }),
  clear_assigned_at: () => ({ assignedAt: null }),
  set_accepted_at: (_order, { changedAt }) => ({ acceptedAt: changedAt }),
  clear_accepted_at: () => ({ acceptedAt: null }),
  set_fare_if_given: (order, { amount }) => ({ fare: amount ?? order.fare }),
  set_paid: () => ({ paymentStatus: 'paid' }),
  set_completed_at: (_order, { changedAt }) => ({ completedAt: changedAt }),
  set_cancelled_at: (_order, { changedAt }) => ({ cancelledAt: changedAt }),
  set_cancellation_reason: (_order, { reason }) => ({ cancellationReason: reason }),
  set_cancelled_by: (_order, { actor }) => ({ cancelledBy: CANCELLED_BY[actor.type] }),
} as const satisfies Record<string, EffectFunction>;

export type Effect = keyof typeof EFFECTS;

/** The order with the effects applied, each of them to the order as it was before the change. */
export function applyEffects(
  order: OrderSnapshot,
  effects: readonly Effect[],
  context: EffectContext,
): OrderSnapshot {
  const changed = { ...order };
  for (const effect of effects) Object.assign(changed, EFFECTS[effect](order, context));
  return changed;
}
