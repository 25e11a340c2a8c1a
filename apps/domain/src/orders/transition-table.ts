import type { ActorType } from './actor.ts';
import { OPEN_STATUSES, type OrderStatus } from './order-status.ts';
import type { Effect } from './transition-effects.ts';

/** Who may make a change, seen from the order. */
export const PARTY_ACTOR_TYPES = {
  /** The customer server that created the order. */
  customer_server: 'customer_server',
  /** The vendor that the order is assigned to or that accepted it. */
  its_vendor: 'vendor',
  /** Any other vendor that the order is offered to. */
  offered_vendor: 'vendor',
  partner: 'partner',
  admin: 'admin',
} as const satisfies Record<string, ActorType>;

export type Party = keyof typeof PARTY_ACTOR_TYPES;

export interface TransitionRule {
  action: string;
  /** Statuses it may start from; null is "no order yet". */
  from: readonly (OrderStatus | null)[];
  to: OrderStatus;
  by: readonly Party[];
  effects: readonly Effect[];
}

const BACK_TO_PENDING = ['clear_vendor', 'clear_assigned_at', 'clear_accepted_at'] as const;
const CANCEL = ['set_cancelled_at', 'set_cancellation_reason', 'set_cancelled_by'] as const;

/**
 * Every change an order can make, and the only place that says so. A change that no row allows is refused.
 *
 * Partners report facts that already happened, so their rows start from every status that is not terminal and
 * may lead backwards; a backward move clears no times unless it goes back to `pending`.
 */
// biome-ignore format: one row per line reads as the table it is
export const TRANSITIONS = [
  { action: 'create', from: [null], to: 'pending', by: ['customer_server'], effects: [] },
  { action: 'assign', from: ['pending'], to: 'assigned', by: ['admin'], effects: ['set_vendor', 'set_assigned_at'] },
  { action: 'accept', from: ['pending'], to: 'accepted', by: ['offered_vendor'], effects: ['set_vendor', 'set_accepted_at', 'set_assigned_at_if_unset'] },
  { action: 'accept', from: ['assigned'], to: 'accepted', by: ['its_vendor'], effects: ['set_accepted_at', 'set_assigned_at_if_unset'] },
  { action: 'reject', from: ['assigned'], to: 'pending', by: ['its_vendor'], effects: BACK_TO_PENDING },
  { action: 'unassign', from: ['assigned', 'accepted'], to: 'pending', by: ['admin'], effects: BACK_TO_PENDING },
  { action: 'start', from: ['accepted', 'arrival_confirmed', 'payment_confirmed'], to: 'in_progress', by: ['its_vendor'], effects: [] },
  { action: 'confirm_arrival', from: ['accepted', 'in_progress', 'payment_confirmed'], to: 'arrival_confirmed', by: ['its_vendor'], effects: [] },
  { action: 'request_payment', from: ['accepted', 'arrival_confirmed', 'in_progress'], to: 'payment_requested', by: ['its_vendor'], effects: ['set_fare_if_given'] },
  { action: 'confirm_payment', from: ['payment_requested'], to: 'payment_confirmed', by: ['customer_server', 'admin'], effects: ['set_paid'] },
  { action: 'complete', from: ['arrival_confirmed', 'in_progress', 'payment_confirmed'], to: 'completed', by: ['its_vendor'], effects: ['set_completed_at'] },
  { action: 'cancel', from: OPEN_STATUSES, to: 'cancelled', by: ['customer_server', 'its_vendor', 'admin'], effects: CANCEL },
  { action: 'partner_report', from: OPEN_STATUSES, to: 'assigned', by: ['partner'], effects: ['set_vendor', 'set_assigned_at'] },
  { action: 'partner_report', from: OPEN_STATUSES, to: 'in_progress', by: ['partner'], effects: ['set_vendor'] },
  { action: 'partner_report', from: OPEN_STATUSES, to: 'completed', by: ['partner'], effects: ['set_vendor', 'set_completed_at'] },
  { action: 'partner_report', from: OPEN_STATUSES, to: 'cancelled', by: ['partner'], effects: ['set_vendor', ...CANCEL] },
  { action: 'partner_report', from: OPEN_STATUSES, to: 'pending', by: ['partner'], effects: BACK_TO_PENDING },
] as const satisfies readonly TransitionRule[];

export type TransitionAction = (typeof TRANSITIONS)[number]['action'];
