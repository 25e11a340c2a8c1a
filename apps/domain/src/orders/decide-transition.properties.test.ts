import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleOrder } from '../testing/sample-order.ts';
import type { Actor } from './actor.ts';
import { decideTransition } from './decide-transition.ts';
import type { OrderSnapshot } from './order.ts';
import { isTerminal, ORDER_STATUSES } from './order-status.ts';
import type { TransitionRequest } from './transition-request.ts';
import { TRANSITIONS } from './transition-table.ts';

const VENDORS = ['64a7b2c8f9e4d1a2b3c4d5e7', '64a7b2c8f9e4d1a2b3c4d5e8'];
const START = sampleOrder().updatedAt.getTime();

const actors = fc.oneof(
  fc.constant<Actor>({ type: 'customer_server', id: sampleOrder().customerServerId }),
  fc.constantFrom(...VENDORS).map((id): Actor => ({ type: 'vendor', id })),
  fc.constant<Actor>({ type: 'partner', id: null }),
  fc.constantFrom(null, 'an-operator').map((id): Actor => ({ type: 'admin', id })),
);

const rules = TRANSITIONS.filter((rule) => rule.action !== 'create');

/** Mostly requests that some row of the table is made for, now and then any target at all. */
const requests: fc.Arbitrary<TransitionRequest> = fc
  .record({
    rule: fc.constantFrom(...rules),
    strayTo: fc.option(fc.constantFrom(...ORDER_STATUSES), { freq: 8 }),
    actor: actors,
    vendorId: fc.constantFrom(...VENDORS),
    isOffered: fc.boolean(),
    isOnline: fc.boolean(),
    amount: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
    reason: fc.option(fc.string()),
    vendorNotes: fc.option(fc.string(), { nil: undefined }),
  })
  .map(({ rule, strayTo, ...rest }) => ({ action: rule.action, to: strayTo ?? rule.to, ...rest }));

const clocks = fc.integer({ min: START - 60_000, max: START + 60_000 }).map((ms) => new Date(ms));
const steps = fc.array(fc.tuple(requests, clocks), { minLength: 1, maxLength: 40 });

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

  it('reaches terminal statuses at all, so that the property above says something', () => {
    let ended = 0;
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (_before, after) => {
          if (isTerminal(after.status)) ended++;
        }),
      ),
    );
    expect(ended).toBeGreaterThan(10);
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
          if (isPending)
            expect([after.vendorId, after.assignedAt, after.acceptedAt]).toEqual([null, null, null]);
          if (!isPending && after.status !== 'cancelled') expect(after.vendorId).not.toBeNull();
          expect(after.completedAt !== null).toBe(after.status === 'completed');
          expect(after.cancelledAt !== null).toBe(after.status === 'cancelled');
          expect(after.cancelledBy !== null).toBe(after.status === 'cancelled');
          if (after.status === 'payment_confirmed') expect(after.paymentStatus).toBe('paid');
        }),
      ),
    );
  });

  it('answers a repeated request without a second change', () => {
    fc.assert(
      fc.property(steps, (taken) =>
        play(taken, (_before, after, request, now) => {
          const again = decideTransition(after, request, now);
          if (request.action === 'request_payment') {
            expect(again).toMatchObject({ kind: 'refused', code: 'payment_already_requested' });
          } else {
            expect(again).toEqual({ kind: 'unchanged' });
          }
        }),
      ),
    );
  });
});
