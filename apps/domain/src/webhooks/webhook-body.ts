import type {
  CancelledBy,
  OrderItem,
  OrderSnapshot,
  PaymentMethod,
  PaymentStatus,
  Place,
  VendorSnapshot,
} from '../orders/order.ts';
import type { OrderStatus } from '../orders/order-status.ts';

/** Times are RFC 3339 in UTC with milliseconds and `Z`. */
interface OrderData {
  fare: number;
  paymentMethod: PaymentMethod;
  paymentStatus: PaymentStatus;
  pickup: Place;
  drop: Place;
  items: OrderItem[];
  customerNotes: string | null;
  vendorNotes: string | null;
  scheduledAt: string | null;
  assignedAt: string | null;
  acceptedAt: string | null;
  completedAt: string | null;
  cancelledAt: string | null;
  cancellationReason: string | null;
  cancelledBy: CancelledBy | null;
  createdAt: string;
  metadata: Record<string, unknown>;
  customerId: string;
}

/** An order as its readers see it; its keys are in the order in which they are sent. */
export interface OrderResource {
  orderId: string;
  customerId: string;
  status: OrderStatus;
  updatedAt: string;
  orderData: OrderData;
  vendorDetails: VendorSnapshot | null;
  version: number;
}

/** The payload of the integration guide's "Webhook Format", with `version` and `orderData.customerId` added. */
export interface WebhookBody extends OrderResource {
  previousStatus: OrderStatus | null;
}

/**
 * What a webhook says of a change. `order` is the order after the change, `previousStatus` the status before it
 * (null at creation), `vendor` the order's vendor; while the order has none it is not looked at.
 *
 * @throws Error when `vendor` is not the vendor that the order names: a receiver must never be shown another's
 *   contact data.
 */
export function buildWebhookBody(
  order: OrderSnapshot,
  previousStatus: OrderStatus | null,
  vendor: VendorSnapshot | null,
): WebhookBody {
  const { orderId, customerId, status, ...rest } = buildOrderResource(order, vendor);
  return { orderId, customerId, status, previousStatus, ...rest };
}

/** The same without `previousStatus`: what reading the order answers. Throws as `buildWebhookBody` does. */
export function buildOrderResource(order: OrderSnapshot, vendor: VendorSnapshot | null): OrderResource {
  return {
    orderId: order.orderId,
    customerId: order.customerId,
    status: order.status,
    updatedAt: order.updatedAt.toISOString(),
    orderData: {
      fare: order.fare,
      paymentMethod: order.paymentMethod,
      paymentStatus: order.paymentStatus,
      pickup: toPlaceResource(order.pickup),
      drop: toPlaceResource(order.drop),
      items: order.items.map(({ title, qty, price }) => ({ title, qty, price })),
      customerNotes: order.customerNotes,
      vendorNotes: order.vendorNotes,
      scheduledAt: toTimestamp(order.scheduledAt),
      assignedAt: toTimestamp(order.assignedAt),
      acceptedAt: toTimestamp(order.acceptedAt),
      completedAt: toTimestamp(order.completedAt),
      cancelledAt: toTimestamp(order.cancelledAt),
      cancellationReason: order.cancellationReason,
      cancelledBy: order.cancelledBy,
      createdAt: order.createdAt.toISOString(),
      metadata: order.metadata,
      customerId: order.customerId,
    },
    vendorDetails: toVendorDetails(order, vendor),
    version: order.version,
  };
}

function toPlaceResource({ address, coordinates }: Place): Place {
  return { address, coordinates };
}

function toVendorDetails(order: OrderSnapshot, vendor: VendorSnapshot | null): VendorSnapshot | null {
  if (order.vendorId === null) return null;
  if (vendor?.vendorId !== order.vendorId) {
    throw new Error(
      `order ${order.orderId} names vendor ${order.vendorId}, but was given ${vendor?.vendorId}`,
    );
  }
  const { vendorId, vendorName, mobile, businessAddress, selectedServices } = vendor;
  return { vendorId, vendorName, mobile, businessAddress, selectedServices };
}

function toTimestamp(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
