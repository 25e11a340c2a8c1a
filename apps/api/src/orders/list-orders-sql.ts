import type { OrderSnapshot, VendorSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type Page, type PageRequest, toPage } from '../plugins/paging.ts';
import { ORDER_COLUMNS, type OrderRow, toOrderSnapshot, toVendorSnapshot } from './order-row-sql.ts';

/** What orders are searched by; absent means any. */
export interface OrderFilter {
  readonly status?: OrderStatus | undefined;
  readonly customerId?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly customerServerId?: string | undefined;
  /** Created then or later. */
  readonly since?: Date | undefined;
  /** Created before then. */
  readonly until?: Date | undefined;
}

export interface ListedOrder {
  readonly order: OrderSnapshot;
  readonly vendor: VendorSnapshot | null;
}

/** One customer server's orders, newest first. */
export function listOrdersForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  filter: Omit<OrderFilter, 'customerServerId'>,
  page: PageRequest,
): Promise<Page<ListedOrder>> {
  return listOrders(executor, { ...filter, customerServerId }, page);
}

/** The orders that are one vendor's, newest first. */
export function listOrdersForVendor(
  executor: SqlExecutor,
  vendorId: string,
  filter: Omit<OrderFilter, 'vendorId'>,
  page: PageRequest,
): Promise<Page<ListedOrder>> {
  return listOrders(executor, { ...filter, vendorId }, page);
}

/** Everybody's orders, newest first: for operators. */
export function listAllOrders(
  executor: SqlExecutor,
  filter: OrderFilter,
  page: PageRequest,
): Promise<Page<ListedOrder>> {
  return listOrders(executor, filter, page);
}

async function listOrders(
  executor: SqlExecutor,
  filter: OrderFilter,
  { limit, after }: PageRequest,
): Promise<Page<ListedOrder>> {
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  // Only the conditions that were asked for: "is null or" in their place would keep the indexes from being used.
  const conditions = [
    filter.customerServerId !== undefined && `o.customer_server_id = ${parameter(filter.customerServerId)}`,
    filter.vendorId !== undefined && `o.vendor_id = ${parameter(filter.vendorId)}`,
    filter.status !== undefined && `o.status = ${parameter(filter.status)}`,
    filter.customerId !== undefined && `o.customer_id = ${parameter(filter.customerId)}`,
    filter.since !== undefined && `o.created_at >= ${parameter(filter.since)}`,
    filter.until !== undefined && `o.created_at < ${parameter(filter.until)}`,
    after !== null && `(o.created_at, o.id) < (${parameter(after.at)}, ${parameter(after.id)}::char(24))`,
  ].filter((condition) => condition !== false);
  const { rows } = await executor.query<OrderRow>({
    text: `select ${ORDER_COLUMNS}
             from orders o left join vendors v on v.id = o.vendor_id
            ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
            order by o.created_at desc, o.id desc
            limit ${parameter(limit + 1)}`,
    values,
  });
  const page = toPage(rows, limit, (row) => ({ at: row.created_at, id: row.id }));
  return {
    items: page.items.map((row) => ({ order: toOrderSnapshot(row), vendor: toVendorSnapshot(row) })),
    nextCursor: page.nextCursor,
  };
}
