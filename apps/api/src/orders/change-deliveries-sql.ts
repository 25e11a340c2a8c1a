/**
 * The part of a change's statement (order-change-sql.ts) that makes its transition and its deliveries, and the parts that it
 * shares with the statement for many (changes-together-sql.ts).
 *
 * An endpoint that wants the latest only (`latest_only` at the time of the change) is told of this change instead of
 * those before it: what is open of its lane and unclaimed becomes `superseded` here.
 *
 * - `older` is what the statement's snapshot shows open, `superseded` what the update found open and unclaimed when it
 *   had the row's lock: what was claimed, delivered or cancelled meanwhile is not returned. Only when both are as
 *   many is the lane free and the new delivery its head; else it is `blocked`, and the look after commit finds a
 *   lane whose head has ended, or an older one that is unclaimed again (see promote). Nothing open is missing from
 *   the snapshot but what was opened again a moment ago, and that is as above.
 * - The insert takes the place in the lane's index that the update frees in the same statement. Parts of a statement
 *   run in no fixed order, but the insert's row depends on a count of all that the update returns, so the update is
 *   at its end before the row exists; and a unique index is checked against rows as they are at that moment, not
 *   against the snapshot: the old version of a row that this transaction updated is dead to it.
 * - The new delivery takes the old one's place in the endpoint's order of due times, too: an order that changes more
 *   often than a lagging endpoint's turn comes round would never be told of. (Not at a closed one, which holds a
 *   delivery for a time that counts from when it was due.) The snapshot still shows the old one in
 *   that place, and in the window; where there is room after all, the look after commit finds it.
 * - Rows are found by id in an array, whose order an index scan follows: everybody locks deliveries in that order.
 */
import { URL_UNSET_REASON } from '@vendor-server/platform/customer-servers/apply-default-webhook-url.ts';
import { IS_OPEN_UNCLAIMED, SET_SUPERSEDED } from '@vendor-server/platform/deliveries/supersede-sql.ts';

/**
 * Whether an earlier delivery of an order's lane is open. Here and below no "exists": PostgreSQL may answer that for all at
 * once, from everything that is open.
 */
export const isLaneOpen = (endpointId: string, orderId: string) => `(
  (select d.id from deliveries d where d.endpoint_id = ${endpointId}
      and d.order_id = ${orderId} and d.state in ('waiting', 'queued') limit 1) is not null
  or (select d.id from deliveries d where d.endpoint_id = ${endpointId}
         and d.order_id = ${orderId} and d.state = 'blocked' limit 1) is not null)`;

/**
 * Whether an endpoint has no room for the `nth` delivery that is made for it now: it is not active, its window is full, or
 * due heads of other lanes wait already.
 *
 * @param endpoint a row with `endpoint_id`, `state` and `window`
 */
export const hasNoRoom = (endpoint: string, nth: string) => `(${endpoint}.state <> 'active'
  or ${endpoint}."window" < ${nth} + (select count(*) from (select 1 from deliveries d
       where d.endpoint_id = ${endpoint}.endpoint_id and d.state = 'queued' limit 64) queued)
  or (select d.due_at from deliveries d where d.endpoint_id = ${endpoint}.endpoint_id and d.state = 'waiting'
       order by d.due_at, d.id limit 1) <= clock_timestamp())`;

/** Whether a customer server has an endpoint, besides one that waits for CUSTOMER_WEBHOOK_URL. */
export const hasEndpoint = (customerServerId: string) => `
  (select e.id from webhook_endpoints e where e.customer_server_id = ${customerServerId} and e.deleted_at is null
      and (e.state <> 'paused' or e.state_reason is distinct from '${URL_UNSET_REASON}') limit 1) is not null`;

/** @param which a condition on the CTE `delivery d` */
export const listDeliveries = (which: string) => `
  coalesce((select json_agg(json_build_object('deliveryId', d.id, 'endpointId', d.endpoint_id,
                              'state', d.state, 'generation', d.generation, 'url', e.url))
              from delivery d join webhook_endpoints e on e.id = d.endpoint_id where ${which}), '[]')`;

/** Follows a CTE `changed (id, customer_server_id)` that holds the order's row when it was written. */
export const TRANSITION_AND_DELIVERIES = `
  transition as (
    insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                   actor_type, actor_id, reason, changed_at, request_id, traceparent, body)
    select $17, id, customer_server_id, $2, $18, $3, $4, $5, $19, $16, $21, $22, $20 from changed
    returning id, order_id, customer_server_id
  ), target as (
    select t.id as transition_id, t.customer_server_id, t.order_id, e.id as endpoint_id, e.state, e."window",
           e.mode = 'latest_only' as replaces_older
      from transition t
      join webhook_endpoints e
        on e.customer_server_id = t.customer_server_id and e.deleted_at is null
       and (e.all_statuses or $3 = any (e.statuses))
  ), older as (
    select d.id, d.head_due_at, g.endpoint_id
      from target g
     cross join lateral (
       select id, due_at as head_due_at from deliveries
        where endpoint_id = g.endpoint_id and order_id = g.order_id and state in ('waiting', 'queued')
       union all
       select id, null from deliveries
        where endpoint_id = g.endpoint_id and order_id = g.order_id and state = 'blocked') d
     where g.replaces_older
  ), superseded as (
    update deliveries d set ${SET_SUPERSEDED}
     -- The first: a plan of a small table's time, which reads all of it, is not even begun for nothing.
     where exists (select 1 from older) and d.id = any (array(select id from older)) and ${IS_OPEN_UNCLAIMED}
    returning d.endpoint_id
  ), delivery as (
    insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                            changed_at, replaces_older, state, generation, job_due_at, due_at)
    select new_id(), g.customer_server_id, g.transition_id, g.order_id, $2, g.endpoint_id, $16,
           g.replaces_older, s.state,
           case s.state when 'queued' then 1 else 0 end,
           case s.state when 'queued' then clock_timestamp() end,
           case when g.replaces_older and g.state = 'active' and g."window" > 0
                then least((select min(o.head_due_at) from older o where o.endpoint_id = g.endpoint_id),
                           clock_timestamp())
                else clock_timestamp() end
      from target g
     cross join lateral (
       select case
         -- Counts, because they read the update to its end: the lane's index must be free before the insert.
         when case when g.replaces_older
                   then (select count(*) from older o where o.endpoint_id = g.endpoint_id)
                      > (select count(*) from superseded o where o.endpoint_id = g.endpoint_id)
                   else ${isLaneOpen('g.endpoint_id', 'g.order_id')} end then 'blocked'
         when ${hasNoRoom('g', '1')} then 'waiting'
         else 'queued' end as state) s
    returning id, endpoint_id, state, generation
  )
  select (select count(*)::int from changed) as written,
         (select count(*)::int from superseded) as superseded,
         exists (select 1 from changed c where ${hasEndpoint('c.customer_server_id')}) as "hasEndpoint",
         ${listDeliveries('true')} as deliveries`;
