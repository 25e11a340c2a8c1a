/**
 * The part of a record (record-sql.ts) in which what is delivered hands its place in the queue on: to its endpoint's oldest
 * due heads, and behind them to the lanes' next, which become heads of theirs here. What `promote` would find to do a moment
 * later, in a transaction of its own, costs a busy worker next to nothing here. Only a success hands on: what a failure
 * frees waits for what it says of the endpoint, which is decided after the record and before the look.
 *
 * Why this needs no lock of the endpoint:
 * - *No window is overfilled.* An endpoint gets at most as many places back as this statement frees there, and none that
 *   its window has lost, so whatever others do at the same time, the queue holds no more of it than before.
 * - *No head is moved twice.* Rows that somebody has locked are passed by; what is locked here is moved here, and whoever
 *   waits for it finds it moved. So this waits for nobody, either.
 * - *A lane gets one next.* While the attempt was claimed its lane had a head, which everybody else saw, so nobody made
 *   another, and the next is the lowest version that is blocked, but for one that is opened again just now (see platform's
 *   reopen.ts). It is chosen before it is locked: a limit above a lock would pass by the lowest that somebody holds, and take
 *   the second. The index of heads has the last word: its entry is free then, because the next is moved only after all of
 *   `recorded` was read, and the old version of a row that this transaction updated is dead to a unique index.
 * - *Nothing overtakes.* The next is as new as a change that is made now: it is queued when there is room behind all
 *   due heads, and else waits behind them.
 * - *Nothing is left standing.* What it passes by, or does not see because it commits meanwhile, is found by the look that
 *   follows each record. So is a lane in which a newer change replaces older ones: that is decided by `promote` alone.
 *
 * (`offset 0`: rows that are found by their keys one by one, also by a plan that was made when there were few.)
 */

/** Follows CTEs `recorded (place, endpoint_id, order_id, ended_as)`. */
export const HANDED_ON = `
  freed as (
    select ended.endpoint_id,
           case when e.state = 'active' then least(ended.count, e."window" - queued.count + ended.count) else 0 end as room
      from (select endpoint_id, count(*) from recorded where ended_as = 'delivered' group by endpoint_id) ended
     cross join lateral (select state, "window" from webhook_endpoints
                          where id = ended.endpoint_id and deleted_at is null offset 0) e
     cross join lateral (select count(*) from deliveries
                          where endpoint_id = ended.endpoint_id and state = 'queued') queued
  ), head as materialized (
    select h.id, f.endpoint_id
      from freed f
     cross join lateral (
       select id from deliveries
        where endpoint_id = f.endpoint_id and state = 'waiting' and due_at <= (select clock_timestamp())
        order by due_at, id limit greatest(f.room, 0) for no key update skip locked) h
  ), next as materialized (
    select n.id, f.endpoint_id, f.room, row_number() over (partition by f.endpoint_id order by r.place) as nth
      from recorded r
      join freed f on f.endpoint_id = r.endpoint_id
     cross join lateral (
       select id from deliveries
        where id = (select id from deliveries
                     where endpoint_id = r.endpoint_id and order_id = r.order_id and state = 'blocked'
                     order by order_version limit 1)
          and state || '' = 'blocked'
          for no key update skip locked) n
     where r.ended_as = 'delivered'
       and (select id from deliveries
             where endpoint_id = r.endpoint_id and order_id = r.order_id and state = 'blocked' and replaces_older
             limit 1) is null
  ), taken as materialized (
    select id, 'queued' as state from head
    union all
    select id, case when nth + (select count(*) from head h where h.endpoint_id = next.endpoint_id) <= room
                    then 'queued' else 'waiting' end
      from next
  ), handed as (
    update deliveries d
       set (state, generation, job_due_at, due_at) = (
             select state, d.generation + case state when 'queued' then 1 else 0 end,
                    case state when 'queued' then clock_timestamp() end,
                    case d.state when 'blocked' then clock_timestamp() else d.due_at end
               from taken where id = d.id)
     where d.id = any (array(select id from taken)) and d.state || '' in ('waiting', 'blocked')
       and (select count(*) from recorded) > 0
    returning d.id, d.generation, d.state, d.order_id, d.order_version, d.transition_id, d.endpoint_id, d.due_at
  )`;

/** What was queued, as a list of `QueuedRow`. */
export const JOBS = `
  coalesce((select json_agg(json_build_object('deliveryId', h.id, 'generation', h.generation, 'orderId', h.order_id,
                              'version', h.order_version, 'status', t.to_status, 'url', e.url) order by h.due_at, h.id)
              from handed h
             cross join lateral (select to_status from order_transitions where id = h.transition_id offset 0) t
             cross join lateral (select url from webhook_endpoints where id = h.endpoint_id offset 0) e
             where h.state = 'queued'), '[]')`;
