/** Reads many orders in one statement, each as those read it who ask for one (order-row-sql.ts, find-order-for-taker-sql.ts). */
import { buildList } from '@vendor-server/platform/database/list-sql.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import {
  type OrderForTaker,
  TAKER_COLUMNS,
  type TakerRow,
  toOrderForTaker,
} from './find-order-for-taker-sql.ts';
import { type FoundOrder, ORDER_COLUMNS, type OrderRow, toFoundOrder } from './order-row-sql.ts';

/** An order, and whose it must be: null where anybody's will do. */
export interface AskedOrder {
  readonly orderId: string;
  readonly customerServerId: string | null;
  readonly vendorId: string | null;
}

/** An order, and the vendor who would take it. */
export interface AskedTaker {
  readonly orderId: string;
  readonly vendorId: string;
}

/** @returns for each the order; null when it does not exist or is another's */
export async function findOrders(
  executor: SqlExecutor,
  asked: readonly AskedOrder[],
): Promise<readonly (FoundOrder | null)[]> {
  const { rows } = await executor.query<OrderRow & { place: number }>({
    name: 'find-orders',
    text: `
      with asked as (
        ${buildList({ id: 'char(24)', customer_server_id: 'char(24)', vendor_id: 'char(24)' })}
      )
      select a.place::int, ${ORDER_COLUMNS}
        from asked a
        join orders o
          on o.id = a.id
         and (a.customer_server_id is null or o.customer_server_id = a.customer_server_id)
         and (a.vendor_id is null or o.vendor_id = a.vendor_id)
        left join vendors v on v.id = o.vendor_id`,
    values: [
      asked.map(({ orderId }) => orderId),
      asked.map(({ customerServerId }) => customerServerId),
      asked.map(({ vendorId }) => vendorId),
    ],
  });
  return putInPlace(rows, asked.length, toFoundOrder);
}

/** @returns for each what `findOrderForTaker` does */
export async function findOrdersForTakers(
  executor: SqlExecutor,
  asked: readonly AskedTaker[],
): Promise<readonly (OrderForTaker | null)[]> {
  const { rows } = await executor.query<TakerRow & { place: number }>({
    name: 'find-orders-for-takers',
    text: `
      with asked as (
        ${buildList({ id: 'char(24)', vendor_id: 'char(24)' })}
      )
      select a.place::int, ${ORDER_COLUMNS}, ${TAKER_COLUMNS}
        from asked a
        join vendors taker on taker.id = a.vendor_id
        join orders o on o.id = a.id
        left join vendors v on v.id = o.vendor_id`,
    values: [asked.map(({ orderId }) => orderId), asked.map(({ vendorId }) => vendorId)],
  });
  return putInPlace(rows, asked.length, toOrderForTaker);
}

function putInPlace<Row extends { readonly place: number }, Found>(
  rows: readonly Row[],
  count: number,
  read: (row: Row) => Found,
): readonly (Found | null)[] {
  const found = Array<Found | null>(count).fill(null);
  for (const row of rows) found[row.place - 1] = read(row);
  return found;
}
