import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleOrder } from '../testing/sample-order.ts';
import { ACTOR_TYPES, type Actor, type ActorType } from './actor.ts';
import { decideTransition } from './decide-transition.ts';
import type { OrderSnapshot } from './order.ts';
import { isTerminal, ORDER_STATUSES, type OrderStatus } from './order-status.ts';
import type { TransitionRequest } from './transition-request.ts';
import { PARTY_ACTOR_TYPES, TRANSITIONS } from './transition-table.ts';

const VENDORS = ['64a7b2c8f9e4d1a2b3c4d5e7', '64a7b2c8f9e4d1a2b3c4d5e8'];
const START = sampleOrder().updatedAt.getTime();

const SOME_ACTOR: Record<ActorType, fc.Arbitrary<Actor>> = {
  customer_server: fc.constant({ type: 'customer_server', id: sampleOrder().customerServerId }),
  vendor: fc.constantFrom(...VENDORS).map((id) => ({ type: 'vendor', id })),
  partner: fc.constant({ type: 'partner', id: null }),
  admin: fc.constantFrom(null, 'an-operator').map((id) => ({ type: 'admin', id })),
};

/** Mostly requests that some row of the table is made for, now and then any target by anybody. */
const requests: fc.Arbitrary<TransitionRequest> = fc
  .constantFrom(...TRANSITIONS.filter((rule) => rule.action !== 'create'))
  .chain((rule) => {
    const entitled = fc.constantFrom(...rule.by.map((party) => PARTY_ACTOR_TYPES[party]));
    return fc.record({
      action: fc.constant(rule.action),
      to: fc.oneof(
        { arbitrary: fc.constant(rule.to), weight: 9 },
        { arbitrary: fc.constantFrom(...ORDER_STATUSES), weight: 1 },
      ),
      actor: fc
        .oneof({ arbitrary: entitled, weight: 9 }, { arbitrary: fc.constantFrom(...ACTOR_TYPES), weight: 1 })
        .chain((type) => SOME_ACTOR[type]),
      vendorId: fc.constantFrom(...VENDORS),
      isOffered: fc.boolean(),
      isOnline: fc.boolean(),
      amount: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
      reason: fc.option(fc.string()),
      vendorNotes: fc.option(fc.string(), { nil: undefined }),
    });
  });

const clocks = fc.integer({ min: START - 60_000, max: START + 60_000 }).map((ms) => new Date(ms));
const steps = fc.array(fc.tuple(requests, clocks), { minLength: 30, maxLength: 60 });

/** Plays the steps; calls `onStep` with the order before and after each change that was made. */
function play(
  taken: [TransitionRequest, Date][],
  onStep: (before: OrderSnapshot, after: OrderSnapshot, request: TransitionRequest, now: Date) => void,
): void {
  let order = sampleOrder();
  for (const [request, now] of taken) {
    const decision = decideTransition(order, request, now);
    if (decision.kind !== 'changed') continue;
    onStep(order, decision.next, request, now);
    order = decision.next;
  }
}

describe('any sequence of requests', () => {
  it('never leaves a terminal status', () => {
    fc.assert(
      fc.property(steps, (taken) => play(taken, (before) => expect(isTerminal(before.status)).toBe(false))),
    );
  });

  it('goes far enough for these properties to say something', () => {
    const reached = new Set<OrderStatus>();
    const terminalVersions: number[] = [];
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (_before, after) => {
          reached.add(after.status);
          if (isTerminal(after.status)) terminalVersions.push(after.version);
        }),
      ),
      { seed: 1 },
    );
    expect([...reached].toSorted()).toEqual(ORDER_STATUSES.toSorted());
    expect(terminalVersions.length).toBeGreaterThan(50);
    expect(Math.max(...terminalVersions)).toBeGreaterThan(7);
  });

  it('raises the version by one with each change and never turns time back', () => {
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (before, after, request, now) => {
          expect(after.version).toBe(before.version + 1);
          expect(after.updatedAt.getTime()).toBe(Math.max(now.getTime(), before.updatedAt.getTime()));
          expect(after.statusActor).toEqual(request.actor);
        }),
      ),
    );
  });

  it('never touches what no change may touch', () => {
    const fixed = [
      'orderId',
      'customerServerId',
      'customerId',
      'paymentMethod',
      'pickup',
      'drop',
      'items',
      'customerNotes',
      'scheduledAt',
      'metadata',
      'createdAt',
    ] as const;
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (before, after) => {
          for (const field of fixed) expect(after[field]).toBe(before[field]);
        }),
      ),
    );
  });

  it('keeps status, vendor and times consistent', () => {
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (_before, after) => {
          const isPending = after.status === 'pending';
          const isCancelled = after.status === 'cancelled';
          expect(isPending && (after.vendorId ?? after.assignedAt ?? after.acceptedAt) !== null).toBe(false);
          expect(!isPending && !isCancelled && after.vendorId === null).toBe(false);
          expect(after.completedAt !== null).toBe(after.status === 'completed');
          expect(after.cancelledAt !== null).toBe(isCancelled);
          expect(after.cancelledBy !== null).toBe(isCancelled);
          expect(after.status === 'payment_confirmed' && after.paymentStatus !== 'paid').toBe(false);
        }),
      ),
    );
  });

  it('answers a repeated request without a second change', () => {
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (_before, after, request, now) => {
          const again = decideTransition(after, request, now);
          const answer = again.kind === 'refused' ? again.code : again.kind;
          const isPayment = request.action === 'request_payment';
          expect(answer).toBe(isPayment ? 'payment_already_requested' : 'unchanged');
        }),
      ),
    );
  });
});
