/** Reads an order, its vendor and the database's time in one statement. */
import type { ActorType } from '@vendor-server/domain/orders/actor.ts';
import type {
  CancelledBy,
  OrderItem,
  OrderSnapshot,
  PaymentMethod,
  PaymentStatus,
  VendorSnapshot,
} from '@vendor-server/domain/orders/order.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

export interface FoundOrder {
  readonly order: OrderSnapshot;
  /** The order's vendor; null while it has none. */
  readonly vendor: VendorSnapshot | null;
  /** Who would become its vendor, where that was read with it. */
  readonly taker: VendorSnapshot | null;
  /** The database's clock at the read. */
  readonly now: Date;
}

/** A row as `ORDER_COLUMNS` selects it; the vendor's columns are null together. */
export interface OrderRow {
  id: string;
  customer_server_id: string;
  customer_id: string;
  status: OrderStatus;
  version: number;
  status_actor_type: ActorType;
  status_actor_id: string | null;
  vendor_id: string | null;
  /** `numeric`: pg gives it as text. */
  fare: string;
  payment_method: PaymentMethod;
  payment_status: PaymentStatus;
  pickup_address: string;
  pickup_longitude: number;
  pickup_latitude: number;
  drop_address: string;
  drop_longitude: number;
  drop_latitude: number;
  items: OrderItem[];
  customer_notes: string | null;
  vendor_notes: string | null;
  metadata: Record<string, unknown>;
  scheduled_at: Date | null;
  assigned_at: Date | null;
  accepted_at: Date | null;
  completed_at: Date | null;
  cancelled_at: Date | null;
  cancellation_reason: string | null;
  cancelled_by: CancelledBy | null;
  personal_data_erased_at: Date | null;
  created_at: Date;
  updated_at: Date;
  vendor_name: string | null;
  mobile: string | null;
  business_address: string | null;
  selected_services: string[] | null;
  now: Date;
}

/** For `from orders o left join vendors v on v.id = o.vendor_id`. */
export const ORDER_COLUMNS = `
  o.id, o.customer_server_id, o.customer_id, o.status, o.version, o.status_actor_type, o.status_actor_id,
  o.vendor_id, o.fare, o.payment_method, o.payment_status, o.pickup_address, o.pickup_longitude,
  o.pickup_latitude, o.drop_address, o.drop_longitude, o.drop_latitude, o.items, o.customer_notes,
  o.vendor_notes, o.metadata, o.scheduled_at, o.assigned_at, o.accepted_at, o.completed_at, o.cancelled_at,
  o.cancellation_reason, o.cancelled_by, o.personal_data_erased_at, o.created_at, o.updated_at,
  v.vendor_name, v.mobile, v.business_address, v.selected_services,
  date_trunc('milliseconds', clock_timestamp()) as now`;

const FROM_ORDERS = 'from orders o left join vendors v on v.id = o.vendor_id';

/** An order of one customer server; null when it does not exist or is another's. */
export async function findOrderForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  orderId: string,
): Promise<FoundOrder | null> {
  const { rows } = await executor.query<OrderRow>({
    name: 'find-order-for-customer-server',
    text: `select ${ORDER_COLUMNS} ${FROM_ORDERS} where o.id = $1 and o.customer_server_id = $2`,
    values: [orderId, customerServerId],
  });
  const [row] = rows;
  return row === undefined ? null : toFoundOrder(row);
}

/** An order held by one vendor; null when it does not exist or is not that vendor's. */
export async function findOrderForVendor(
  executor: SqlExecutor,
  vendorId: string,
  orderId: string,
): Promise<FoundOrder | null> {
  const { rows } = await executor.query<OrderRow>({
    name: 'find-order-for-vendor',
    text: `select ${ORDER_COLUMNS} ${FROM_ORDERS} where o.id = $1 and o.vendor_id = $2`,
    values: [orderId, vendorId],
  });
  const [row] = rows;
  return row === undefined ? null : toFoundOrder(row);
}

/** Any order, whoever it belongs to: for operators and partners, and for vendors who want to take one. */
export async function findAnyOrder(executor: SqlExecutor, orderId: string): Promise<FoundOrder | null> {
  const { rows } = await executor.query<OrderRow>({
    name: 'find-any-order',
    text: `select ${ORDER_COLUMNS} ${FROM_ORDERS} where o.id = $1`,
    values: [orderId],
  });
  const [row] = rows;
  return row === undefined ? null : toFoundOrder(row);
}

export function toFoundOrder(row: OrderRow): FoundOrder {
  return { order: toOrderSnapshot(row), vendor: toVendorSnapshot(row), taker: null, now: row.now };
}

export function toOrderSnapshot(row: OrderRow): OrderSnapshot {
  return {
    orderId: row.id,
    customerServerId: row.customer_server_id,
    customerId: row.customer_id,
    status: row.status,
    version: row.version,
    statusActor: { type: row.status_actor_type, id: row.status_actor_id },
    vendorId: row.vendor_id,
    fare: Number(row.fare),
    paymentMethod: row.payment_method,
    paymentStatus: row.payment_status,
    pickup: { address: row.pickup_address, coordinates: [row.pickup_longitude, row.pickup_latitude] },
    drop: { address: row.drop_address, coordinates: [row.drop_longitude, row.drop_latitude] },
    items: row.items,
    customerNotes: row.customer_notes,
    vendorNotes: row.vendor_notes,
    scheduledAt: row.scheduled_at,
    assignedAt: row.assigned_at,
    acceptedAt: row.accepted_at,
    completedAt: row.completed_at,
    cancelledAt: row.cancelled_at,
    cancellationReason: row.cancellation_reason,
    cancelledBy: row.cancelled_by,
    metadata: row.metadata,
    personalDataErasedAt: row.personal_data_erased_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The order's vendor as receivers are told of it; null while it has none. */
export function toVendorSnapshot(row: OrderRow): VendorSnapshot | null {
  if (row.vendor_id === null) return null;
  return {
    vendorId: row.vendor_id,
    vendorName: row.vendor_name ?? '',
    mobile: row.mobile ?? '',
    businessAddress: row.business_address ?? '',
    selectedServices: row.selected_services ?? [],
  };
}

/** A vendor as receivers would be told of it; null when there is none with that id. */
export async function findVendorSnapshot(
  executor: SqlExecutor,
  vendorId: string,
): Promise<VendorSnapshot | null> {
  const { rows } = await executor.query<VendorRow>({
    name: 'find-vendor-snapshot',
    text: `select id, vendor_name, mobile, business_address, selected_services from vendors where id = $1`,
    values: [vendorId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  return {
    vendorId: row.id,
    vendorName: row.vendor_name,
    mobile: row.mobile,
    businessAddress: row.business_address,
    selectedServices: row.selected_services,
  };
}

interface VendorRow {
  id: string;
  vendor_name: string;
  mobile: string;
  business_address: string;
  selected_services: string[];
}
