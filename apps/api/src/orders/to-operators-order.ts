import type { OrderSnapshot, VendorSnapshot } from '@vendor-server/domain/orders/order.ts';
import { buildOrderResource } from '@vendor-server/domain/webhooks/webhook-body.ts';

/** An order as everybody reads it, and whose it is. */
export function toOperatorsOrder(order: OrderSnapshot, vendor: VendorSnapshot | null) {
  return { ...buildOrderResource(order, vendor), customerServerId: order.customerServerId };
}
