import { describe, expect, it } from 'vitest';
import { sampleOrder } from '../testing/sample-order.ts';
import type { Actor } from './actor.ts';
import { decideTransition } from './decide-transition.ts';
import type { OrderSnapshot } from './order.ts';
import { ORDER_STATUSES, type OrderStatus } from './order-status.ts';
import type { TransitionDecision, TransitionRequest } from './transition-request.ts';
import { TRANSITIONS } from './transition-table.ts';

const VENDOR = '64a7b2c8f9e4d1a2b3c4d5e7';
const NOW = new Date('2023-12-04T11:00:00.000Z');

const CALLERS = [
  'customer server',
  'other customer server',
  'its vendor',
  'offered vendor',
  'offline vendor',
  'unrelated vendor',
  'partner',
  'partner for another vendor',
  'operator',
] as const;
type Caller = (typeof CALLERS)[number];

/** The published status table, written out by hand: from → to → who. */
const FORWARD: Partial<Record<OrderStatus, Partial<Record<OrderStatus, Caller[]>>>> = {
  pending: { assigned: ['operator'], accepted: ['offered vendor'] },
  assigned: { accepted: ['its vendor'], pending: ['its vendor', 'operator'] },
  accepted: {
    pending: ['operator'],
    in_progress: ['its vendor'],
    arrival_confirmed: ['its vendor'],
    payment_requested: ['its vendor'],
  },
  arrival_confirmed: {
    in_progress: ['its vendor'],
    payment_requested: ['its vendor'],
    completed: ['its vendor'],
  },
  in_progress: {
    arrival_confirmed: ['its vendor'],
    payment_requested: ['its vendor'],
    completed: ['its vendor'],
  },
  payment_requested: { payment_confirmed: ['customer server', 'operator'] },
  payment_confirmed: {
    arrival_confirmed: ['its vendor'],
    in_progress: ['its vendor'],
    completed: ['its vendor'],
  },
};

const PARTNER_STATUSES: ReadonlySet<OrderStatus> = new Set([
  'assigned',
  'in_progress',
  'completed',
  'cancelled',
  'pending',
]);

function isAllowed(from: OrderStatus, to: OrderStatus, caller: Caller): boolean {
  if (from === 'completed' || from === 'cancelled') return false;
  if (caller === 'partner' || caller === 'partner for another vendor') {
    return PARTNER_STATUSES.has(to) && from !== to && (caller === 'partner' || from === 'pending');
  }
  if (to === 'cancelled') {
    return (
      caller === 'customer server' || caller === 'operator' || (caller === 'its vendor' && from !== 'pending')
    );
  }
  return FORWARD[from]?.[to]?.includes(caller) ?? false;
}

/** The one action by which this caller brings about that status. */
function actionOf(to: OrderStatus, caller: Caller): TransitionRequest['action'] {
  if (caller === 'partner' || caller === 'partner for another vendor') return 'partner_report';
  switch (to) {
    case 'pending':
      return caller === 'operator' ? 'unassign' : 'reject';
    case 'assigned':
      return 'assign';
    case 'accepted':
      return 'accept';
    case 'in_progress':
      return 'start';
    case 'arrival_confirmed':
      return 'confirm_arrival';
    case 'payment_requested':
      return 'request_payment';
    case 'payment_confirmed':
      return 'confirm_payment';
    case 'completed':
      return 'complete';
    case 'cancelled':
      return 'cancel';
  }
}

/** `changed`, `unchanged` or the code of the refusal. */
function expectedAnswer(order: OrderSnapshot, request: TransitionRequest, caller: Caller): string {
  const isOwnAction = request.action === actionOf(request.to, caller);
  if (isOwnAction && isAllowed(order.status, request.to, caller)) return 'changed';
  const isHeldByAnother = caller === 'partner for another vendor' && order.vendorId !== null;
  const isReport = request.action === 'partner_report' && caller.startsWith('partner');
  if (isReport && PARTNER_STATUSES.has(request.to) && order.status === request.to && !isHeldByAnother) {
    return 'unchanged';
  }
  return expectedCode(order, request, caller);
}

/** Everything that calls for a code of its own; the rest is `order_transition_not_allowed`. */
function expectedCode(order: OrderSnapshot, request: TransitionRequest, caller: Caller): string {
  const isPending = order.status === 'pending';
  const hasEnded = order.status === 'completed' || order.status === 'cancelled';
  if (caller === 'other customer server' || caller === 'unrelated vendor') return 'not_found';
  if (caller === 'its vendor' && isPending) return 'not_found';
  if (caller === 'offered vendor' || caller === 'offline vendor') {
    if (request.action !== 'accept') return 'not_found';
    if (!isPending) return 'order_already_taken';
    return request.to === 'accepted' ? 'vendor_offline' : 'order_transition_not_allowed';
  }
  if (request.action === 'partner_report' && caller === 'partner for another vendor' && !isPending) {
    return hasEnded ? 'order_transition_not_allowed' : 'order_held_by_another_vendor';
  }
  const isPaymentRepeated = order.paymentStatus === 'paid' || order.status === 'payment_requested';
  return request.action === 'request_payment' && isPaymentRepeated
    ? 'payment_already_requested'
    : 'order_transition_not_allowed';
}

/** An order that nobody of `CALLERS` brought to its status, so that no request counts as a repetition. */
function orderWith(status: OrderStatus): OrderSnapshot {
  const isPending = status === 'pending';
  const at = new Date('2023-12-04T10:25:00.000Z');
  return sampleOrder({
    status,
    version: 4,
    statusActor: { type: 'admin', id: 'somebody-else' },
    vendorId: isPending ? null : VENDOR,
    assignedAt: isPending ? null : at,
    acceptedAt: isPending ? null : at,
    completedAt: status === 'completed' ? at : null,
    cancelledAt: status === 'cancelled' ? at : null,
    cancelledBy: status === 'cancelled' ? 'admin' : null,
    paymentStatus: status === 'payment_confirmed' ? 'paid' : 'pending',
  });
}

function actorOf(caller: Caller): Actor {
  switch (caller) {
    case 'customer server':
      return { type: 'customer_server', id: sampleOrder().customerServerId };
    case 'other customer server':
      return { type: 'customer_server', id: '64a7b2c8f9e4d1a2b3c4d5ff' };
    case 'its vendor':
      return { type: 'vendor', id: VENDOR };
    case 'offered vendor':
    case 'offline vendor':
    case 'unrelated vendor':
      return { type: 'vendor', id: '64a7b2c8f9e4d1a2b3c4d5e8' };
    case 'partner':
    case 'partner for another vendor':
      return { type: 'partner', id: null };
    case 'operator':
      return { type: 'admin', id: 'an-operator' };
  }
}

const ACTIONS = [...new Set(TRANSITIONS.map((rule) => rule.action))].filter((action) => action !== 'create');

function requestOf(action: (typeof ACTIONS)[number], to: OrderStatus, caller: Caller): TransitionRequest {
  const vendorId = caller === 'partner for another vendor' ? '64a7b2c8f9e4d1a2b3c4d5e8' : VENDOR;
  const isOffered = caller === 'offered vendor' || caller === 'offline vendor';
  const isOnline = caller !== 'offline vendor';
  return { action, to, actor: actorOf(caller), vendorId, isOffered, isOnline };
}

describe('every status to every status by every caller', () => {
  it.each(ORDER_STATUSES.flatMap((from) => CALLERS.map((caller) => ({ from, caller }))))(
    'from $from by $caller',
    ({ from, caller }) => {
      const order = orderWith(from);
      const tried = ORDER_STATUSES.flatMap((to) =>
        ACTIONS.map((action) => {
          const request = requestOf(action, to, caller);
          return { label: `${action} to ${to}`, request, decision: decideTransition(order, request, NOW) };
        }),
      );
      expect(tried.map(({ label, decision }) => `${label}: ${answerOf(decision)}`)).toEqual(
        tried.map(({ label, request }) => `${label}: ${expectedAnswer(order, request, caller)}`),
      );
      const reached = tried.flatMap(({ request, decision }) =>
        decision.kind === 'changed' ? [[request.to, decision.next.status, decision.from]] : [],
      );
      expect(reached).toEqual(reached.map(([to]) => [to, to, from]));
    },
  );

  it('names the current and the asked status when it refuses', () => {
    const request = requestOf('complete', 'completed', 'its vendor');
    expect(decideTransition(orderWith('accepted'), request, NOW)).toEqual({
      kind: 'refused',
      code: 'order_transition_not_allowed',
      message: 'An order with the status "accepted" cannot change to "completed".',
    });
    expect(decideTransition(orderWith('completed'), request, NOW)).toEqual({
      kind: 'refused',
      code: 'order_transition_not_allowed',
      message: 'The order already has the status "completed".',
    });
  });
});

function answerOf(decision: TransitionDecision): string {
  return decision.kind === 'refused' ? decision.code : decision.kind;
}

describe('the table', () => {
  it('creates orders as pending, by customer servers only', () => {
    expect(TRANSITIONS.filter((rule) => rule.from.includes(null as never))).toEqual([
      { action: 'create', from: [null], to: 'pending', by: ['customer_server'], effects: [] },
    ]);
  });

  it('never has two rows for the same change by the same party', () => {
    const changes = TRANSITIONS.flatMap((rule) =>
      rule.from.flatMap((from) => rule.by.map((by) => `${rule.action}: ${from} → ${rule.to} by ${by}`)),
    );
    expect(new Set(changes).size).toBe(changes.length);
  });
});
