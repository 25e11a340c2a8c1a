import type { VendorSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import {
  type OfferStanding,
  STANDING_COLUMNS,
  type StandingRow,
  toOfferStanding,
} from '../offers/offers-sql.ts';
import { type FoundOrder, ORDER_COLUMNS, type OrderRow, toFoundOrder } from './order-row-sql.ts';

/** An order as a vendor finds it who would take it, in one read. */
export interface OrderForTaker extends FoundOrder {
  readonly standing: OfferStanding;
  readonly taker: VendorSnapshot;
}

/** A row with `TAKER_COLUMNS`. */
export type TakerRow = OrderRow &
  StandingRow & {
    taker_id: string;
    taker_name: string;
    taker_mobile: string;
    taker_address: string;
    taker_services: string[];
  };

/** Besides `ORDER_COLUMNS`, of a vendor `taker`. */
export const TAKER_COLUMNS = `${STANDING_COLUMNS},
  taker.id as taker_id, taker.vendor_name as taker_name, taker.mobile as taker_mobile,
  taker.business_address as taker_address, taker.selected_services as taker_services`;

/** Whoever the order belongs to, and whether or not it is offered: null only when there is none. */
export async function findOrderForTaker(
  executor: SqlExecutor,
  vendorId: string,
  orderId: string,
): Promise<OrderForTaker | null> {
  const { rows } = await executor.query<TakerRow>({
    name: 'find-order-for-taker',
    text: `select ${ORDER_COLUMNS}, ${TAKER_COLUMNS}
      from vendors taker cross join orders o left join vendors v on v.id = o.vendor_id
      where taker.id = $1 and o.id = $2`,
    values: [vendorId, orderId],
  });
  const [row] = rows;
  return row === undefined ? null : toOrderForTaker(row);
}

export function toOrderForTaker(row: TakerRow): OrderForTaker {
  const taker = {
    vendorId: row.taker_id,
    vendorName: row.taker_name,
    mobile: row.taker_mobile,
    businessAddress: row.taker_address,
    selectedServices: row.taker_services,
  };
  return { ...toFoundOrder(row), standing: toOfferStanding(row), taker };
}
