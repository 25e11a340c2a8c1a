/** The statements that remove orders, in the order in which they run; why, see sweep-orders.ts. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { HAS_OPEN_ATTEMPT } from './sweep-sql.ts';
import { cutoff } from './swept-batch.ts';

/**
 * An order goes when it has been over for so long, and no earlier than the idempotency keys of its time: the key of a
 * creation holds the order's id, and is older than the order's end.
 */
const ORDER_CUTOFF = `(select least(${cutoff('$1')}, (select min(created_at) from idempotency_keys)))`;

/** Whether a delivery of the order `o` is open, was until a while ago, or is counted. */
const IS_HELD = `(
  select d.id from deliveries d
   where d.order_id = o.id
     and (coalesce(d.finished_at, 'infinity') >= ${cutoff('$1')} or d.counts_for_replay or ${HAS_OPEN_ATTEMPT('d')})
   limit 1) is not null`;

/** Whether a change of the order `o` has no place in the feed. (Positions begin at 1; `coalesce` as for deliveries.) */
const IS_UNPLACED = `(
  select t.id from order_transitions t where t.order_id = o.id and coalesce(t.feed_position, 0) = 0
   limit 1) is not null`;

export interface EndedOrder {
  readonly orderId: string;
  /** Also how many changes it has. */
  readonly version: number;
  readonly endedAt: Date;
  readonly isHeld: boolean;
  readonly isUnplaced: boolean;
}

/** The next orders that ended at `fromAt` or later and are old enough, in the order in which they ended. */
export async function findEndedOrders(
  executor: SqlExecutor,
  keepDays: number,
  fromAt: Date,
  limit: number,
): Promise<EndedOrder[]> {
  const { rows } = await executor.query<EndedOrder>({
    text: `
      with looked as materialized (
        select id, version, updated_at from orders
         where status in ('completed', 'cancelled') and updated_at >= $2 and updated_at < ${ORDER_CUTOFF}
         order by updated_at limit $3
      )
      select o.id as "orderId", o.version, o.updated_at as "endedAt", ${IS_HELD} as "isHeld",
             ${IS_UNPLACED} as "isUnplaced"
        from looked o order by o.updated_at`,
    values: [keepDays, fromAt, limit],
  });
  return rows;
}

/** Endpoints note a few orders that they failed for: takes these out, so that nothing is left of them. */
export async function forgetFailures(executor: SqlExecutor, orderIds: readonly string[]): Promise<void> {
  const without = (ids: string) => `array(select id from unnest(e.${ids}) id where id <> all ($1::text[]))`;
  await executor.query({
    text: `
      update webhook_endpoints e
         set failing_order_ids = ${without('failing_order_ids')}, gone_order_ids = ${without('gone_order_ids')}
       where e.customer_server_id in (select customer_server_id from orders where id = any ($1::char(24)[]))
         and (e.failing_order_ids && $1::text[] or e.gone_order_ids && $1::text[])`,
    values: [orderIds],
  });
}

/** Locks those of the orders that nobody holds, and are over, until the transaction ends. */
export async function lockEndedOrders(
  transaction: SqlExecutor,
  orderIds: readonly string[],
): Promise<string[]> {
  const { rows } = await transaction.query<{ id: string }>({
    text: `select id from orders where id = any ($1::char(24)[]) and status || '' in ('completed', 'cancelled')
            order by id for update skip locked`,
    values: [orderIds],
  });
  return rows.map(({ id }) => id);
}

/** Locks all deliveries of the orders; waits for whoever holds one. */
export async function lockDeliveriesOfOrders(
  transaction: SqlExecutor,
  orderIds: readonly string[],
): Promise<void> {
  await transaction.query({
    text: `with locked as (
             select id from deliveries where order_id = any ($1::char(24)[]) order by id for update
           )
           select count(*) from locked`,
    values: [orderIds],
  });
}

/** Those of the orders of which nothing is open, recent, unplaced or mentioned by an endpoint. */
export async function findRemovable(
  transaction: SqlExecutor,
  keepDays: number,
  orderIds: readonly string[],
): Promise<string[]> {
  const { rows } = await transaction.query<{ id: string }>({
    text: `
      select o.id from orders o
       where o.id = any ($2::char(24)[]) and not ${IS_HELD} and not ${IS_UNPLACED}
         and (select e.id from webhook_endpoints e
               where e.customer_server_id = o.customer_server_id
                 and o.id::text = any (e.failing_order_ids || e.gone_order_ids) limit 1) is null`,
    values: [keepDays, orderIds],
  });
  return rows.map(({ id }) => id);
}

export interface OrderContents {
  readonly transitions: number;
  readonly deliveries: number;
  readonly attempts: number;
  /** The highest feed position of each customer server's changes among them. */
  readonly pruneThrough: readonly { readonly customerServerId: string; readonly position: number }[];
}

/** What goes with the orders. */
export async function readContents(
  transaction: SqlExecutor,
  orderIds: readonly string[],
): Promise<OrderContents> {
  const { rows } = await transaction.query<OrderContents>({
    text: `
      with changed as (
        select customer_server_id, count(*) as transitions, max(feed_position) as through
          from order_transitions where order_id = any ($1::char(24)[]) group by 1
      ), told as (
        select count(*)::int as deliveries, coalesce(sum(attempt_count), 0)::int as attempts
          from deliveries where order_id = any ($1::char(24)[])
      )
      select told.deliveries, told.attempts,
             (select coalesce(sum(transitions), 0)::int from changed) as transitions,
             (select coalesce(json_agg(json_build_object('customerServerId', customer_server_id,
                                                         'position', through)), '[]')
                from changed) as "pruneThrough"
        from told`,
    values: [orderIds],
  });
  const [contents] = rows;
  if (contents === undefined) throw new Error('reading what goes with orders returned no row');
  return contents;
}

/** Deletes the orders; what hangs on them goes with them, by their foreign keys. */
export async function deleteOrders(transaction: SqlExecutor, orderIds: readonly string[]): Promise<void> {
  await transaction.query({
    text: 'delete from orders where id = any ($1::char(24)[])',
    values: [orderIds],
  });
}

/** Notes that the feeds are complete only after what was removed. */
export async function raiseFeedPrunedThrough(
  transaction: SqlExecutor,
  pruneThrough: OrderContents['pruneThrough'],
): Promise<void> {
  await transaction.query({
    text: `
      update customer_servers s set feed_pruned_through = gone.through
        from unnest($1::char(24)[], $2::int8[]) gone (id, through)
       where s.id = gone.id and s.feed_pruned_through < gone.through`,
    values: [
      pruneThrough.map(({ customerServerId }) => customerServerId),
      pruneThrough.map(({ position }) => position),
    ],
  });
}
