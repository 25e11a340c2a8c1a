/**
 * Who is offered what. One rule, said in three directions (a vendor's offers, one order's takers, one pair):
 * an order is offered to a vendor while it is pending, the vendor is online by the database's clock, the
 * vendor's services are none or hold the order's work type, and the vendor has not declined it.
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { PageRequest } from '../plugins/paging.ts';

export type OfferRow = {
  id: string;
  work_type: string | null;
  items: { title: string; qty: number; price: number }[];
  /** numeric(12,2) as text */
  fare: string;
  urgency: string | null;
  scheduled_at: Date | null;
  pickup_longitude: number;
  pickup_latitude: number;
  created_at: Date;
};

/** urgency is free metadata in a full order: only a string is shown. */
const OFFER_COLUMNS = `o.id, o.work_type, o.items, o.fare,
  case when json_typeof(o.metadata -> 'urgency') = 'string' then o.metadata ->> 'urgency' end as urgency,
  o.scheduled_at, o.pickup_longitude, o.pickup_latitude, o.created_at`;

/** Whether a vendor, a row of `vendors`, works on orders like `workType`, an SQL expression. */
function servesSql(vendor: string, workType: string): string {
  return `(cardinality(${vendor}.selected_services) = 0 or ${workType} = any (${vendor}.selected_services))`;
}

/**
 * The orders offered to a vendor, newest first, at most `limit` of them; none while it is offline.
 *
 * The vendor is read in subqueries that run once, not joined: so the pending orders are walked in the order of
 * their index, and no further than the page reaches. A join would sort all of them for every page.
 */
export async function listOffersForVendor(
  executor: SqlExecutor,
  vendorId: string,
  { after, limit }: PageRequest,
): Promise<OfferRow[]> {
  const { rows } = await executor.query<OfferRow>({
    name: after === null ? 'list-offers-for-vendor' : 'list-more-offers-for-vendor',
    text: `select ${OFFER_COLUMNS}
      from orders o
      where o.status = 'pending'
        and (select v.online_until > now() from vendors v where v.id = $1)
        and ((select cardinality(v.selected_services) = 0 from vendors v where v.id = $1)
          or o.work_type = any ((select v.selected_services from vendors v where v.id = $1)::text[]))
        and not exists (select 1 from offer_declines d where d.order_id = o.id and d.vendor_id = $1)
        ${after === null ? '' : 'and (o.created_at, o.id) < ($3, $4::char(24))'}
      order by o.created_at desc, o.id desc
      limit $2`,
    values: after === null ? [vendorId, limit] : [vendorId, limit, after.at, after.id],
  });
  return rows;
}

/** One order as streams need it: what to show, whether anybody may be shown it, and who declined it. */
export type OfferState = { isPending: boolean; row: OfferRow; declinedBy: ReadonlySet<string> };

/** @returns null when there is no such order */
export async function findOfferState(executor: SqlExecutor, orderId: string): Promise<OfferState | null> {
  const { rows } = await executor.query<OfferRow & { is_pending: boolean; declined_by: string[] }>({
    name: 'find-offer-state',
    text: `select ${OFFER_COLUMNS}, o.status = 'pending' as is_pending,
        array(select d.vendor_id::text from offer_declines d where d.order_id = o.id) as declined_by
      from orders o where o.id = $1`,
    values: [orderId],
  });
  const row = rows[0];
  if (!row) return null;
  return { isPending: row.is_pending, row, declinedBy: new Set(row.declined_by) };
}

/** How a vendor stands to one order, whatever the order's status is by now. */
export type OfferStanding = { isOnline: boolean; isServed: boolean; hasDeclined: boolean };

export type StandingRow = { is_online: boolean; is_served: boolean; has_declined: boolean };

/** Of the vendor `taker` to the order `o`. */
export const STANDING_COLUMNS = `coalesce(taker.online_until > now(), false) as is_online,
  coalesce(${servesSql('taker', 'o.work_type')}, false) as is_served,
  exists (select 1 from offer_declines d where d.order_id = o.id and d.vendor_id = taker.id) as has_declined`;

export function toOfferStanding(row: StandingRow): OfferStanding {
  return { isOnline: row.is_online, isServed: row.is_served, hasDeclined: row.has_declined };
}

/** @returns null when there is no such order or no such vendor */
export async function findOfferStanding(
  executor: SqlExecutor,
  vendorId: string,
  orderId: string,
): Promise<OfferStanding | null> {
  const { rows } = await executor.query<StandingRow>({
    name: 'find-offer-standing',
    text: `select ${STANDING_COLUMNS} from vendors taker cross join orders o where taker.id = $1 and o.id = $2`,
    values: [vendorId, orderId],
  });
  const [row] = rows;
  return row === undefined ? null : toOfferStanding(row);
}

/**
 * What an order that is created now has to know, in one read: the database's time in milliseconds, because an order's
 * times come from one clock, whichever process wrote it; and how many online vendors an order of this work type is
 * offered to.
 */
export async function readNewOrderFacts(
  executor: SqlExecutor,
  workType: string | null,
): Promise<{ now: Date; vendorsOfferedTo: number }> {
  const { rows } = await executor.query<{ now: Date; vendorsOfferedTo: number }>({
    name: 'read-new-order-facts',
    text: `select date_trunc('milliseconds', clock_timestamp()) as now,
        (select count(*) from vendors v
          where v.online_until > now() and ${servesSql('v', '$1::text')}) as "vendorsOfferedTo"`,
    values: [workType],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('the database did not tell its time');
  return row;
}

/**
 * Keeps a pending order from being offered to a vendor (again). Repeating it changes nothing, not even the
 * reason.
 *
 * @returns false when the order is not pending, and nothing was written; somebody who takes it while this runs
 *   comes after it
 */
export async function declinePendingOrder(
  executor: SqlExecutor,
  decline: { orderId: string; vendorId: string; reason: string | null },
): Promise<boolean> {
  const { rowCount } = await executor.query({
    name: 'decline-pending-order',
    text: `with pending as (select id from orders where id = $1 and status = 'pending'),
        declined as (
          insert into offer_declines (order_id, vendor_id, reason)
          select id, $2, $3 from pending on conflict do nothing)
      select id from pending`,
    values: [decline.orderId, decline.vendorId, decline.reason],
  });
  return rowCount === 1;
}

/** The same whatever the order's status: for a vendor that gives back an order it was assigned. */
export async function recordDecline(
  executor: SqlExecutor,
  decline: { orderId: string; vendorId: string; reason: string | null },
): Promise<void> {
  await executor.query({
    name: 'record-decline',
    text: `insert into offer_declines (order_id, vendor_id, reason) values ($1, $2, $3) on conflict do nothing`,
    values: [decline.orderId, decline.vendorId, decline.reason],
  });
}
