import { describe, expect, it } from 'vitest';
import { sampleOrder } from '../testing/sample-order.ts';
import type { Actor } from './actor.ts';
import { decideTransition } from './decide-transition.ts';
import type { OrderSnapshot } from './order.ts';
import type { TransitionRequest } from './transition-request.ts';

const VENDOR = '64a7b2c8f9e4d1a2b3c4d5e7';
const OTHER_VENDOR = '64a7b2c8f9e4d1a2b3c4d5e8';
const ASSIGNED_AT = new Date('2023-12-04T10:25:00.000Z');
const ACCEPTED_AT = new Date('2023-12-04T10:30:00.000Z');
const NOW = new Date('2023-12-04T11:00:00.000Z');

const customerServer: Actor = { type: 'customer_server', id: sampleOrder().customerServerId };
const vendor: Actor = { type: 'vendor', id: VENDOR };
const otherVendor: Actor = { type: 'vendor', id: OTHER_VENDOR };
const partner: Actor = { type: 'partner', id: null };
const operator: Actor = { type: 'admin', id: 'an-operator' };

const pending = sampleOrder();
const assigned = sampleOrder({
  status: 'assigned',
  version: 2,
  statusActor: operator,
  vendorId: VENDOR,
  assignedAt: ASSIGNED_AT,
  updatedAt: ASSIGNED_AT,
});
const accepted = sampleOrder({
  ...assigned,
  status: 'accepted',
  version: 3,
  statusActor: vendor,
  acceptedAt: ACCEPTED_AT,
  updatedAt: ACCEPTED_AT,
});

function decide(order: OrderSnapshot, request: TransitionRequest, now = NOW) {
  return decideTransition(order, request, now);
}

describe('effects', () => {
  const inProgress = { ...accepted, status: 'in_progress' } as const;
  const paymentRequested = { ...accepted, status: 'payment_requested' } as const;
  const arrived = { ...accepted, status: 'arrival_confirmed' } as const;
  const report = { action: 'partner_report', actor: partner, vendorId: VENDOR } as const;
  const cases: [string, OrderSnapshot, TransitionRequest, Partial<OrderSnapshot>][] = [
    [
      'assign',
      pending,
      { action: 'assign', to: 'assigned', actor: operator, vendorId: VENDOR },
      { vendorId: VENDOR, assignedAt: NOW },
    ],
    [
      'accept of a pending order',
      pending,
      { action: 'accept', to: 'accepted', actor: vendor, isOffered: true, isOnline: true },
      { vendorId: VENDOR, assignedAt: NOW, acceptedAt: NOW },
    ],
    [
      'accept of an assigned order, also while offline',
      assigned,
      { action: 'accept', to: 'accepted', actor: vendor, isOffered: false, isOnline: false },
      { acceptedAt: NOW },
    ],
    [
      'reject',
      { ...assigned, acceptedAt: ACCEPTED_AT },
      { action: 'reject', to: 'pending', actor: vendor },
      { vendorId: null, assignedAt: null, acceptedAt: null },
    ],
    [
      'unassign',
      accepted,
      { action: 'unassign', to: 'pending', actor: operator },
      { vendorId: null, assignedAt: null, acceptedAt: null },
    ],
    ['start', accepted, { action: 'start', to: 'in_progress', actor: vendor }, {}],
    ['confirm_arrival', accepted, { action: 'confirm_arrival', to: 'arrival_confirmed', actor: vendor }, {}],
    [
      'request_payment without an amount',
      arrived,
      { action: 'request_payment', to: 'payment_requested', actor: vendor },
      {},
    ],
    [
      'request_payment with an amount',
      arrived,
      { action: 'request_payment', to: 'payment_requested', actor: vendor, amount: 0 },
      { fare: 0 },
    ],
    [
      'confirm_payment',
      paymentRequested,
      { action: 'confirm_payment', to: 'payment_confirmed', actor: customerServer },
      { paymentStatus: 'paid' },
    ],
    ['complete', inProgress, { action: 'complete', to: 'completed', actor: vendor }, { completedAt: NOW }],
    [
      'cancel by the customer server',
      pending,
      { action: 'cancel', to: 'cancelled', actor: customerServer, reason: 'changed my mind' },
      { cancelledAt: NOW, cancelledBy: 'customer', cancellationReason: 'changed my mind' },
    ],
    [
      'cancel by its vendor',
      accepted,
      { action: 'cancel', to: 'cancelled', actor: vendor },
      { cancelledAt: NOW, cancelledBy: 'vendor', cancellationReason: null },
    ],
    [
      'cancel by an operator',
      accepted,
      { action: 'cancel', to: 'cancelled', actor: operator, reason: 'no_vendor' },
      { cancelledAt: NOW, cancelledBy: 'admin', cancellationReason: 'no_vendor' },
    ],
    [
      'a partner takes a pending order to assigned',
      pending,
      { ...report, to: 'assigned' },
      { vendorId: VENDOR, assignedAt: NOW },
    ],
    [
      'a partner moves back to assigned: no time is cleared',
      inProgress,
      { ...report, to: 'assigned' },
      { assignedAt: NOW },
    ],
    ['a partner starts a pending order', pending, { ...report, to: 'in_progress' }, { vendorId: VENDOR }],
    [
      'a partner completes a pending order',
      pending,
      { ...report, to: 'completed' },
      { vendorId: VENDOR, completedAt: NOW },
    ],
    [
      'a partner cancels',
      pending,
      { ...report, to: 'cancelled', reason: 'vendor is ill' },
      { vendorId: VENDOR, cancelledAt: NOW, cancelledBy: 'vendor', cancellationReason: 'vendor is ill' },
    ],
    [
      'a partner rejects',
      inProgress,
      { ...report, to: 'pending' },
      { vendorId: null, assignedAt: null, acceptedAt: null },
    ],
  ];

  it.each(cases)('%s sets exactly its fields', (_name, order, request, effects) => {
    const before = structuredClone(order);
    expect(decide(order, request)).toEqual({
      kind: 'changed',
      from: before.status,
      reason: request.reason ?? null,
      next: {
        ...before,
        ...effects,
        status: request.to,
        version: before.version + 1,
        statusActor: request.actor,
        updatedAt: NOW,
      },
    });
    expect(order).toEqual(before);
  });

  it('replaces vendor notes only when the request has some', () => {
    const order = { ...accepted, vendorNotes: 'Parts will be ordered' };
    const start = { action: 'start', to: 'in_progress', actor: vendor } as const;
    expect(decide(order, start)).toMatchObject({ next: { vendorNotes: 'Parts will be ordered' } });
    expect(decide(order, { ...start, vendorNotes: '' })).toMatchObject({ next: { vendorNotes: '' } });
  });

  it('never lets time go backwards', () => {
    const early = new Date(accepted.updatedAt.getTime() - 5000);
    const decision = decide({ ...accepted, status: 'in_progress' }, completeBy(vendor), early);
    expect(decision).toMatchObject({ next: { updatedAt: ACCEPTED_AT, completedAt: ACCEPTED_AT } });
  });

  function completeBy(actor: Actor): TransitionRequest {
    return { action: 'complete', to: 'completed', actor };
  }
});

describe('repeating the change that led to the current status', () => {
  const unchanged = { kind: 'unchanged' };
  const refused = { kind: 'refused', code: 'order_transition_not_allowed' };

  it('by the same actor changes nothing', () => {
    const accept = {
      action: 'accept',
      to: 'accepted',
      actor: vendor,
      isOffered: false,
      isOnline: false,
    } as const;
    expect(decide(accepted, { ...accept, vendorNotes: 'again' })).toEqual(unchanged);
    const cancelled = { ...accepted, status: 'cancelled', statusActor: customerServer } as const;
    expect(decide(cancelled, { action: 'cancel', to: 'cancelled', actor: customerServer })).toEqual(
      unchanged,
    );
  });

  it('holds for a rejection although the vendor no longer has the order', () => {
    const reject = { action: 'reject', to: 'pending', actor: vendor } as const;
    const decision = decide(assigned, reject);
    if (decision.kind !== 'changed') throw new Error('the rejection was refused');
    expect(decide(decision.next, reject)).toEqual(unchanged);
    expect(decide(decision.next, { ...reject, actor: otherVendor })).toMatchObject({ code: 'not_found' });
  });

  it('by somebody else is refused', () => {
    const cancelled = { ...accepted, status: 'cancelled', statusActor: customerServer } as const;
    expect(decide(cancelled, { action: 'cancel', to: 'cancelled', actor: operator })).toMatchObject(refused);
    const byAnother = { ...operator, id: 'another-operator' };
    const again = { action: 'assign', to: 'assigned', actor: byAnother, vendorId: VENDOR } as const;
    expect(decide(assigned, again)).toMatchObject(refused);
  });

  it('is not the same change when an order is assigned to another vendor', () => {
    const again = { action: 'assign', to: 'assigned', actor: operator, vendorId: VENDOR } as const;
    expect(decide(assigned, again)).toEqual(unchanged);
    expect(decide(assigned, { ...again, vendorId: OTHER_VENDOR })).toMatchObject(refused);
  });

  it('is not the same change when another action leads to the status', () => {
    expect(decide(pending, { action: 'unassign', to: 'pending', actor: customerServer })).toMatchObject(
      refused,
    );
  });

  it('a second request for payment is refused, also by the same vendor', () => {
    const requested = { ...accepted, status: 'payment_requested' } as const;
    const request = { action: 'request_payment', to: 'payment_requested', actor: vendor } as const;
    expect(decide(requested, request)).toMatchObject({ code: 'payment_already_requested' });
    const paid = { ...accepted, status: 'in_progress', paymentStatus: 'paid' } as const;
    expect(decide(paid, { ...request, amount: 10 })).toMatchObject({ code: 'payment_already_requested' });
  });

  it('a partner reports what already is, whoever made it so', () => {
    const completed = { ...accepted, status: 'completed', completedAt: NOW } as const;
    const report = { action: 'partner_report', to: 'completed', actor: partner, vendorId: VENDOR } as const;
    expect(decide(completed, report)).toEqual(unchanged);
    expect(decide(completed, { ...report, vendorId: OTHER_VENDOR })).toMatchObject(refused);
    expect(decide(completed, { ...report, to: 'cancelled' })).toMatchObject(refused);
    expect(decide(pending, { ...report, to: 'pending' })).toEqual(unchanged);
  });
});

describe('who may accept', () => {
  const accept = {
    action: 'accept',
    to: 'accepted',
    actor: otherVendor,
    isOffered: true,
    isOnline: true,
  } as const;

  it('not a vendor that the order is not offered to', () => {
    expect(decide(pending, { ...accept, isOffered: false })).toMatchObject({ code: 'not_found' });
    expect(decide(accepted, { ...accept, isOffered: false })).toMatchObject({ code: 'not_found' });
  });

  it('not an offline vendor, and being offered comes first', () => {
    expect(decide(pending, { ...accept, isOnline: false })).toMatchObject({ code: 'vendor_offline' });
    expect(decide(pending, { ...accept, isOnline: false, isOffered: false })).toMatchObject({
      code: 'not_found',
    });
  });

  it('not the second one', () => {
    expect(decide(assigned, accept)).toMatchObject({ code: 'order_already_taken' });
    expect(decide(accepted, accept)).toMatchObject({ code: 'order_already_taken' });
  });

  it('not when it was cancelled before anybody took it', () => {
    const cancelled = { ...pending, status: 'cancelled', cancelledAt: NOW, cancelledBy: 'customer' } as const;
    expect(decide(cancelled, accept)).toMatchObject({ code: 'order_transition_not_allowed' });
  });

  it('not a vendor without an id', () => {
    const nobody: Actor = { type: 'vendor', id: null };
    expect(decide(pending, { action: 'cancel', to: 'cancelled', actor: nobody })).toMatchObject({
      code: 'not_found',
    });
  });
});
