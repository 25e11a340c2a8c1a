/** The use case behind a partner's report: keep the vendor, then move the order it is said to work on. */
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { recordDecline } from '../offers/offers-sql.ts';
import { changeOrderStatus } from '../orders/change-order-status.ts';
import type { ChangeContext } from '../plugins/change-context.ts';
import type { ReportedStatus, VendorUpdate } from './parse-vendor-update.ts';
import { upsertReportedVendor } from './upsert-vendor-sql.ts';

export type VendorUpdateAnswer = {
  success: true;
  /** As the partner sent it. */
  vendorId: string;
  /** The vendor was new. */
  upserted: boolean;
  /** The order was found and now has the reported status and vendor, also when it already had. */
  orderUpdated: boolean;
  /** This call changed the status and recorded at least one delivery. */
  webhookSent: boolean;
  /** As the partner sent them. */
  orderId?: string;
  status?: ReportedStatus;
  /** Why the order was not updated. */
  reason?: string;
};

const ORDER_STATUS_OF: Readonly<Record<ReportedStatus, OrderStatus>> = {
  accepted: 'assigned',
  enroute: 'in_progress',
  completed: 'completed',
  cancelled: 'cancelled',
  rejected: 'pending',
};

const ORDER_ID = /^[0-9a-f]{24}$/;

type OrderOutcome = Pick<VendorUpdateAnswer, 'orderUpdated' | 'webhookSent' | 'reason'>;

/**
 * The vendor is committed before its order is looked at, so that webhooks show it as reported; sending the
 * report again after a failure in between completes it.
 */
export async function reportVendorUpdate(
  deps: AppDeps,
  update: VendorUpdate,
  context: ChangeContext,
): Promise<VendorUpdateAnswer> {
  const { serviceType, assignedOrderId, status } = update;
  const { vendorId, isNew } = await upsertReportedVendor(deps.database.pool, createId(), {
    externalId: update.vendorId,
    vendorName: update.vendorName ?? null,
    mobile: update.vendorPhone ?? null,
    businessAddress: update.vendorAddress ?? null,
    selectedServices: serviceType === undefined ? null : [serviceType],
  });
  if (!isNew && serviceType !== undefined) deps.offerEvents.publish({ kind: 'vendor', vendorId });

  const { orderUpdated, webhookSent, reason } = await updateOrder(deps, vendorId, update, context);
  return {
    success: true,
    vendorId: update.vendorId,
    upserted: isNew,
    orderUpdated,
    webhookSent,
    ...(assignedOrderId !== undefined && { orderId: assignedOrderId }),
    ...(status !== undefined && { status }),
    ...(reason !== undefined && { reason }),
  };
}

async function updateOrder(
  deps: AppDeps,
  vendorId: string,
  { assignedOrderId: orderId, status }: VendorUpdate,
  context: ChangeContext,
): Promise<OrderOutcome> {
  if (orderId === undefined && status === undefined) return { orderUpdated: false, webhookSent: false };
  if (orderId === undefined) return notUpdated('No order was named.');
  if (status === undefined) return notUpdated('No status was given.');
  if (!ORDER_ID.test(orderId)) return notUpdated(UNKNOWN_ORDER);
  try {
    const { changed, deliveriesRecorded } = await moveOrder(deps, vendorId, { orderId, status }, context);
    return { orderUpdated: true, webhookSent: changed && deliveriesRecorded > 0 };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    switch (error.code) {
      case 'not_found':
        return notUpdated(UNKNOWN_ORDER);
      case 'order_held_by_another_vendor':
      case 'order_transition_not_allowed':
        return notUpdated(error.message);
      default:
        throw error;
    }
  }
}

function moveOrder(
  deps: AppDeps,
  vendorId: string,
  { orderId, status }: { orderId: string; status: ReportedStatus },
  context: ChangeContext,
) {
  const { pool } = deps.database;
  return changeOrderStatus(deps, {
    find: () => deps.orderReads.findAnyOrder(orderId),
    request: async ({ order }) => {
      // As when a vendor gives an order back itself: from now on it is not offered to that vendor.
      if (status === 'rejected' && order.vendorId === vendorId) {
        await recordDecline(pool, { orderId, vendorId, reason: null });
      }
      return {
        action: 'partner_report',
        to: ORDER_STATUS_OF[status],
        actor: { type: 'partner', id: null },
        vendorId,
      };
    },
    ...context,
  });
}

const UNKNOWN_ORDER = 'There is no order with this id.';

function notUpdated(reason: string): OrderOutcome {
  return { orderUpdated: false, webhookSent: false, reason };
}
