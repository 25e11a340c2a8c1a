/**
 * A vendor says no. To an order it was assigned: the order goes back to `pending`. To an order it is offered:
 * the offer is declined. Either way a decline is recorded, so the order is not offered to this vendor again;
 * an operator may still assign it.
 */
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { declinePendingOrder, findOfferStanding, recordDecline } from '../offers/offers-sql.ts';
import { changeOrderStatus } from '../orders/change-order-status.ts';
import { findOrderForVendor } from '../orders/order-row-sql.ts';
import type { ChangeContext } from '../plugins/change-context.ts';

export type Rejection = {
  vendorId: string;
  orderId: string;
  reason: string | null;
  /** Kept with an order that was assigned; an order that never was the vendor's is not written on. */
  vendorNotes: string | null;
  context: ChangeContext;
};

/** Between two looks the order may become this vendor's or stop being it; more often means something is wrong. */
const MAX_LOOKS = 5;

/**
 * Repeating it changes nothing.
 * @throws ApiError `not_found` for an order neither offered nor assigned to the vendor,
 *   `order_transition_not_allowed` for one that it has already accepted
 */
export async function rejectOrder(deps: AppDeps, rejection: Rejection): Promise<void> {
  const { vendorId, orderId } = rejection;
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const found = await findOrderForVendor(deps.database.pool, vendorId, orderId);
    const isDone = found ? await giveBack(deps, rejection) : await declineOffer(deps, rejection);
    if (isDone) return;
  }
  throw new ApiError('not_found');
}

/** False when the order is no longer this vendor's. */
async function giveBack(deps: AppDeps, rejection: Rejection): Promise<boolean> {
  const { vendorId, orderId, reason, vendorNotes, context } = rejection;
  const { pool } = deps.database;
  try {
    await changeOrderStatus(deps, {
      find: () => deps.orderReads.findOrderForVendor(vendorId, orderId),
      request: async ({ order }) => {
        // Before the order is pending again: nobody must see it offered to the vendor that just refused it.
        if (order.status === 'assigned') await recordDecline(pool, { orderId, vendorId, reason });
        return {
          action: 'reject',
          to: 'pending',
          actor: { type: 'vendor', id: vendorId },
          reason,
          ...(vendorNotes !== null && { vendorNotes }),
        };
      },
      ...context,
    });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return false;
    throw error;
  }
}

/** False when the order is not pending. */
async function declineOffer(deps: AppDeps, { vendorId, orderId, reason }: Rejection): Promise<boolean> {
  const { pool } = deps.database;
  const standing = await findOfferStanding(pool, vendorId, orderId);
  if (!standing?.isServed && !standing?.hasDeclined) throw new ApiError('not_found');
  if (!(await declinePendingOrder(pool, { orderId, vendorId, reason }))) return false;
  deps.offerEvents.publish({ kind: 'decline', orderId, vendorId });
  return true;
}
