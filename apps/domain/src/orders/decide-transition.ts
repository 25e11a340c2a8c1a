import { ERROR_CODES, type ErrorCode } from '../errors/error-codes.ts';
import { isSameActor } from './actor.ts';
import type { OrderSnapshot } from './order.ts';
import { isTerminal } from './order-status.ts';
import { applyEffects } from './transition-effects.ts';
import type { TransitionDecision, TransitionRequest } from './transition-request.ts';
import { PARTY_ACTOR_TYPES, type Party, TRANSITIONS, type TransitionRule } from './transition-table.ts';

type Refusal = Extract<TransitionDecision, { kind: 'refused' }>;

const RULES: readonly TransitionRule[] = TRANSITIONS;

/**
 * Decides what a request does to an order: the order to write, nothing, or a refusal with a stable code.
 *
 * `now` becomes the change's time, unless it lies before the order's last change (a clock that was set back):
 * then that time is used again, so that times never fall while versions rise.
 *
 * Refusals: `not_found` (somebody else's order, or one not offered to this vendor), `order_already_taken`,
 * `vendor_offline`, `order_held_by_another_vendor` (partners), `payment_already_requested`, and
 * `order_transition_not_allowed` for whatever else the transition table does not allow. Never throws.
 */
export function decideTransition(
  order: OrderSnapshot,
  request: TransitionRequest,
  now: Date,
): TransitionDecision {
  if (isRepetition(order, request)) return { kind: 'unchanged' };

  const party = toParty(order, request);
  if (party === null) return refuse('not_found');

  const conflict = findConflict(order, request, party);
  if (conflict !== null) return conflict;

  const rule = rulesFor(request).find((each) => each.from.includes(order.status) && each.by.includes(party));
  if (rule === undefined)
    return refuse('order_transition_not_allowed', describeRefusedChange(order, request));

  if (request.action === 'accept' && party === 'offered_vendor' && !request.isOnline) {
    return refuse('vendor_offline');
  }

  const changedAt = now < order.updatedAt ? order.updatedAt : now;
  const reason = request.reason ?? null;
  const changed = applyEffects(order, rule.effects, {
    changedAt,
    actor: request.actor,
    vendorId: receivingVendorId(order, request),
    amount: request.action === 'request_payment' ? (request.amount ?? null) : null,
    reason,
  });
  return {
    kind: 'changed',
    from: order.status,
    reason,
    next: {
      ...changed,
      status: rule.to,
      version: order.version + 1,
      statusActor: request.actor,
      vendorNotes: request.vendorNotes ?? order.vendorNotes,
      updatedAt: changedAt,
    },
  };
}

/**
 * The caller repeats the change that led to the current status. This comes before the question whose order it
 * is, because a vendor that repeats its rejection no longer holds the order.
 */
function isRepetition(order: OrderSnapshot, request: TransitionRequest): boolean {
  if (order.status !== request.to || !isActionOf(request)) return false;
  switch (request.action) {
    case 'request_payment':
      return false;
    case 'partner_report':
      return request.to === 'pending' || order.vendorId === request.vendorId;
    case 'assign':
      return order.vendorId === request.vendorId && isSameActor(order.statusActor, request.actor);
    default:
      return isSameActor(order.statusActor, request.actor);
  }
}

function isActionOf(request: TransitionRequest): boolean {
  return rulesFor(request).some((rule) =>
    rule.by.some((party) => PARTY_ACTOR_TYPES[party] === request.actor.type),
  );
}

function rulesFor(request: TransitionRequest): TransitionRule[] {
  return RULES.filter((rule) => rule.action === request.action && rule.to === request.to);
}

/** What the caller is to this order; null when it must not learn that the order exists. */
function toParty(order: OrderSnapshot, request: TransitionRequest): Party | null {
  const { actor } = request;
  switch (actor.type) {
    case 'admin':
    case 'partner':
      return actor.type;
    case 'customer_server':
      return order.customerServerId === actor.id ? 'customer_server' : null;
    case 'vendor':
      if (order.vendorId !== null && order.vendorId === actor.id) return 'its_vendor';
      return request.action === 'accept' && request.isOffered ? 'offered_vendor' : null;
  }
}

/** Refusals whose cause is more precise than "the table does not allow it". */
function findConflict(order: OrderSnapshot, request: TransitionRequest, party: Party): Refusal | null {
  switch (request.action) {
    case 'accept':
      return party === 'offered_vendor' && order.vendorId !== null ? refuse('order_already_taken') : null;
    case 'partner_report':
      return !isTerminal(order.status) && order.vendorId !== null && order.vendorId !== request.vendorId
        ? refuse('order_held_by_another_vendor')
        : null;
    case 'request_payment':
      return order.paymentStatus === 'paid' || order.status === 'payment_requested'
        ? refuse('payment_already_requested')
        : null;
    default:
      return null;
  }
}

function receivingVendorId(order: OrderSnapshot, request: TransitionRequest): string | null {
  switch (request.action) {
    case 'assign':
    case 'partner_report':
      return request.vendorId;
    case 'accept':
      return request.actor.id;
    default:
      return order.vendorId;
  }
}

function describeRefusedChange(order: OrderSnapshot, request: TransitionRequest): string {
  return order.status === request.to
    ? `The order already has the status "${order.status}".`
    : `An order with the status "${order.status}" cannot change to "${request.to}".`;
}

function refuse(code: ErrorCode, message: string = ERROR_CODES[code].message): Refusal {
  return { kind: 'refused', code, message };
}
