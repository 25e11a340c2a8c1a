/**
 * Writes what order-change-sql.ts writes, for many orders in one statement: each as if it were alone, or not at all.
 *
 * - *It waits for nobody's order.* `locked` passes by an order that somebody holds, and asks the guards again of the row's
 *   newest version once it has the lock; nobody changes that row from there to the commit. What it passes by, and what
 *   has another version, is not written: the statement for one waits, and tells which it was. Of two changes of one
 *   order the update writes one.
 * - *It waits for no customer server and no vendor*: what the checks of foreign keys would wait for, because somebody gives
 *   one another secret at that moment, is asked for before, and passed by.
 * - *It waits for no delivery.* Where an endpoint wants the latest only, and has something of the order open, a change
 *   would replace what a worker may hold: that is left to the statement for one as well. Everybody else who makes a head
 *   of a lane has the lane's order or deliveries locked before (see reopen.ts and promote.ts).
 * - *A window counts what is written together.* All see one snapshot, so each stands behind those before it: an endpoint
 *   gets no more from one statement than it has room for.
 * - It fails or commits as a whole. What then becomes of each: create-order-writes.ts.
 */
import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import { workTypeOf } from '@vendor-server/domain/orders/work-type-of.ts';
import { buildList } from '@vendor-server/platform/database/list-sql.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { hasEndpoint, hasNoRoom, isLaneOpen, listDeliveries } from './change-deliveries-sql.ts';
import type { RecordedChange, TransitionRecord } from './order-change-sql.ts';

/** An order as it becomes, and what is recorded of that. */
export interface OrderWrite {
  readonly order: OrderSnapshot;
  readonly record: TransitionRecord;
}

type Columns = Readonly<Record<string, readonly [type: string, read: (write: OrderWrite) => unknown]>>;

const ID: Columns = { id: ['char(24)', ({ order }) => order.orderId] };
const CHANGE: Columns = {
  version: ['int', ({ order }) => order.version],
  status: ['text', ({ order }) => order.status],
  status_actor_type: ['text', ({ order }) => order.statusActor.type],
  status_actor_id: ['text', ({ order }) => order.statusActor.id],
  vendor_id: ['char(24)', ({ order }) => order.vendorId],
  fare: ['numeric', ({ order }) => order.fare],
  payment_status: ['text', ({ order }) => order.paymentStatus],
  vendor_notes: ['text', ({ order }) => order.vendorNotes],
  assigned_at: ['timestamptz', ({ order }) => order.assignedAt],
  accepted_at: ['timestamptz', ({ order }) => order.acceptedAt],
  completed_at: ['timestamptz', ({ order }) => order.completedAt],
  cancelled_at: ['timestamptz', ({ order }) => order.cancelledAt],
  cancellation_reason: ['text', ({ order }) => order.cancellationReason],
  cancelled_by: ['text', ({ order }) => order.cancelledBy],
  updated_at: ['timestamptz', ({ order }) => order.updatedAt],
};
const NEW: Columns = {
  customer_server_id: ['char(24)', ({ order }) => order.customerServerId],
  customer_id: ['text', ({ order }) => order.customerId],
  payment_method: ['text', ({ order }) => order.paymentMethod],
  pickup_address: ['text', ({ order }) => order.pickup.address],
  pickup_longitude: ['float8', ({ order }) => order.pickup.coordinates[0]],
  pickup_latitude: ['float8', ({ order }) => order.pickup.coordinates[1]],
  drop_address: ['text', ({ order }) => order.drop.address],
  drop_longitude: ['float8', ({ order }) => order.drop.coordinates[0]],
  drop_latitude: ['float8', ({ order }) => order.drop.coordinates[1]],
  // As they were sent: jsonb would sort the keys.
  items: ['json', ({ order }) => JSON.stringify(order.items)],
  customer_notes: ['text', ({ order }) => order.customerNotes],
  work_type: ['text', ({ order }) => workTypeOf(order)],
  metadata: ['json', ({ order }) => JSON.stringify(order.metadata)],
  scheduled_at: ['timestamptz', ({ order }) => order.scheduledAt],
  created_at: ['timestamptz', ({ order }) => order.createdAt],
};
const ERASURE: Columns = { erased_at: ['timestamptz', ({ order }) => order.personalDataErasedAt] };
const RECORD: Columns = {
  transition_id: ['char(24)', ({ record }) => record.transitionId],
  from_status: ['text', ({ record }) => record.from],
  reason: ['text', ({ record }) => record.reason],
  body: ['text', ({ record }) => record.body],
  request_id: ['text', ({ record }) => record.requestId],
  traceparent: ['text', ({ record }) => record.traceparent],
};

const CHANGES: Columns = { ...ID, ...CHANGE, ...RECORD, ...ERASURE };
const NEW_ORDERS: Columns = { ...ID, ...CHANGE, ...NEW, ...RECORD };

const toList = (columns: Columns) =>
  buildList(Object.fromEntries(Object.entries(columns).map(([name, [type]]) => [name, type])));
const namesOf = (columns: Columns, prefix = '') =>
  Object.keys(columns)
    .map((name) => prefix + name)
    .join(', ');

/** Follows a CTE `changed`: the items that were written, with their orders' customer servers. */
const TRANSITIONS_AND_DELIVERIES = `
  transition as (
    insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                   actor_type, actor_id, reason, changed_at, request_id, traceparent, body)
    select transition_id, id, customer_server_id, version, from_status, status, status_actor_type, status_actor_id,
           reason, updated_at, request_id, traceparent, body
      from changed order by place
  ), target as (
    select c.place, c.transition_id, c.customer_server_id, c.id as order_id, c.version, c.updated_at,
           e.id as endpoint_id, e.state, e."window", e.mode = 'latest_only' as replaces_older, lane.is_open,
           row_number() over (partition by e.id, lane.is_open order by c.place) as nth
      from changed c
      join webhook_endpoints e
        on e.customer_server_id = c.customer_server_id and e.deleted_at is null
       and (e.all_statuses or c.status = any (e.statuses))
     cross join lateral (select ${isLaneOpen('e.id', 'c.id')} as is_open) lane
  ), delivery as (
    insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                            changed_at, replaces_older, state, generation, job_due_at, due_at)
    select new_id(), g.customer_server_id, g.transition_id, g.order_id, g.version, g.endpoint_id, g.updated_at,
           g.replaces_older, s.state,
           case s.state when 'queued' then 1 else 0 end,
           case s.state when 'queued' then clock_timestamp() end,
           clock_timestamp()
      from target g
     cross join lateral (
       select case when g.is_open then 'blocked'
                   when ${hasNoRoom('g', 'g.nth')} then 'waiting'
                   else 'queued' end as state) s
    returning id, order_id, endpoint_id, state, generation
  )
  select c.place::int, ${hasEndpoint('c.customer_server_id')} as "hasEndpoint",
         ${listDeliveries('d.order_id = c.id')} as deliveries
    from changed c`;

const WRITE_CHANGES = {
  name: 'write-order-changes',
  text: `
    with item as (
      ${toList(CHANGES)}
    ), locked as (
      select i.*
        from item i
        join orders o on o.id = i.id
        join customer_servers s on s.id = o.customer_server_id
        left join lateral (
          select v.id from vendors v where v.id = i.vendor_id and i.vendor_id is distinct from o.vendor_id
             for key share skip locked) taker on true
       where (i.vendor_id is null or i.vendor_id is not distinct from o.vendor_id or taker.id is not null)
         and o.version = i.version - 1 and o.personal_data_erased_at is not distinct from i.erased_at
         and (select e.id from webhook_endpoints e
               where e.customer_server_id = o.customer_server_id and e.deleted_at is null
                 and e.mode = 'latest_only' and ${isLaneOpen('e.id', 'o.id')}
               limit 1) is null
         for no key update of o skip locked for key share of s skip locked
    ), changed as (
      update orders o
         set (${namesOf(CHANGE)}) = (${namesOf(CHANGE, 'l.')})
        from locked l
       where o.id = l.id and o.version = l.version - 1 and o.personal_data_erased_at is not distinct from l.erased_at
      returning l.*, o.customer_server_id
    ), ${TRANSITIONS_AND_DELIVERIES}`,
};
const WRITE_NEW = {
  name: 'write-new-orders',
  text: `
    with item as (
      ${toList(NEW_ORDERS)}
    ), changed as (
      select i.* from item i join customer_servers s on s.id = i.customer_server_id for key share of s skip locked
    ), made as (
      insert into orders (${namesOf({ ...ID, ...CHANGE, ...NEW })})
      select ${namesOf({ ...ID, ...CHANGE, ...NEW })} from changed
    ), ${TRANSITIONS_AND_DELIVERIES}`,
};

async function write(
  executor: SqlExecutor,
  statement: { readonly name: string; readonly text: string },
  columns: Columns,
  writes: readonly OrderWrite[],
): Promise<(RecordedChange | null)[]> {
  const { rows } = await executor.query<{ place: number } & Omit<RecordedChange, 'superseded'>>({
    ...statement,
    values: Object.values(columns).map(([, read]) => writes.map(read)),
  });
  const recorded = Array<RecordedChange | null>(writes.length).fill(null);
  for (const { place, deliveries, hasEndpoint } of rows)
    recorded[place - 1] = { deliveries, hasEndpoint, superseded: 0 };
  return recorded;
}

/**
 * Writes changes, each from the version before its order's to that.
 *
 * @returns for each what was recorded; null when nothing was written of it: ask `writeOrderChange`
 */
export function writeOrderChanges(
  executor: SqlExecutor,
  writes: readonly OrderWrite[],
): Promise<readonly (RecordedChange | null)[]> {
  return write(executor, WRITE_CHANGES, CHANGES, writes);
}

/** Writes new orders (version 1), each with its first transition and deliveries. */
export async function writeNewOrders(
  executor: SqlExecutor,
  writes: readonly OrderWrite[],
): Promise<readonly (RecordedChange | null)[]> {
  return write(executor, WRITE_NEW, NEW_ORDERS, writes);
}
