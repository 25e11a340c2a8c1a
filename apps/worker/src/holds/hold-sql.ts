/**
 * The statements that give up what closed endpoints hold for too long. Each is bounded, and reads by an index.
 * (`state || ''` as in platform's promote-sql.ts: found by id, whatever the statistics say.)
 */
import { HELD_TOO_LONG } from '@vendor-server/domain/endpoints/hold.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** `decideClosedSince` as an expression over `webhook_endpoints e`: since when it is sent nothing; null when it is open. */
export const CLOSED_SINCE = `least(case when e.state <> 'active' then e.state_changed_at end,
  case when e."window" = 0 then coalesce(e.broken_since, e.state_changed_at) end)`;

/** `$2` is how long a delivery may be held, in milliseconds. */
const LONG_AGO = `clock_timestamp() - make_interval(secs => $2::float8 / 1000)`;

/**
 * Closed endpoints that hold something for too long, after `afterId` by id. Each half reads the partial index of its
 * kind of closed endpoint, and looks at what waited longest of each: the cost follows the number of closed endpoints
 * and never their backlogs.
 */
export async function findOverdueEndpoints(
  executor: SqlExecutor,
  afterId: string,
  maxHoldMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await executor.query<{ id: string }>({
    name: 'find-overdue-endpoints',
    text: `
      with closed as (
        select e.id from webhook_endpoints e
         where e.state <> 'active' and e.deleted_at is null and ${CLOSED_SINCE} < ${LONG_AGO}
        union
        select e.id from webhook_endpoints e
         where e."window" = 0 and e.deleted_at is null and ${CLOSED_SINCE} < ${LONG_AGO}
      )
      select closed.id from closed
       -- One row by the order of the index: an "exists" PostgreSQL may answer from everything that waits.
       cross join lateral (select d.due_at from deliveries d
                            where d.endpoint_id = closed.id and d.state = 'waiting'
                            order by d.due_at, d.id limit 1) oldest
       where closed.id > $1 and oldest.due_at < ${LONG_AGO}
       order by closed.id limit $3`,
    values: [afterId, maxHoldMs, limit],
  });
  return rows.map(({ id }) => id);
}

/**
 * Locks the endpoint's row if it has been closed for so long, for a transaction that holds its advisory lock.
 *
 * @returns false when it is open, or was until a while ago, or was deleted
 */
export async function lockLongClosed(
  transaction: SqlExecutor,
  endpointId: string,
  maxHoldMs: number,
): Promise<boolean> {
  const { rowCount } = await transaction.query({
    name: 'lock-long-closed-endpoint',
    text: `select 1 from webhook_endpoints e
            where e.id = $1 and e.deleted_at is null and ${CLOSED_SINCE} < ${LONG_AGO}
              for no key update`,
    values: [endpointId, maxHoldMs],
  });
  return rowCount === 1;
}

/** A delivery that was given up, with what its log line says. */
export interface GivenUpDelivery {
  readonly deliveryId: string;
  readonly orderId: string;
  readonly customerServerId: string;
  readonly endpointId: string;
  readonly version: number;
  readonly status: string;
  readonly previousStatus: string | null;
  /** Of the request that caused the change. */
  readonly requestId: string | null;
  readonly traceparent: string | null;
  /** Number of the last attempt; 0 when there was none, and then the next four are null. */
  readonly attempt: number;
  readonly durationMs: number | null;
  readonly outcome: string | null;
  /** Of that attempt; why the delivery ended is said beside it. */
  readonly reason: string | null;
  readonly responseStatus: number | null;
}

/**
 * Ends the heads that have been due for too long, longest first, at most `limit`. The endpoint must be locked as
 * `lockLongClosed` does it, in an earlier statement of this transaction.
 */
export async function giveUpOverdue(
  transaction: SqlExecutor,
  endpointId: string,
  maxHoldMs: number,
  limit: number,
): Promise<GivenUpDelivery[]> {
  const { rows } = await transaction.query<GivenUpDelivery>({
    name: 'give-up-overdue',
    text: `
      with overdue as (
        select id from deliveries
         where endpoint_id = $1 and state = 'waiting' and due_at < ${LONG_AGO}
         order by due_at, id limit $3
      ), ended as (
        update deliveries d
           set state = 'failed', finished_at = date_trunc('milliseconds', clock_timestamp()),
               last_error = '${HELD_TOO_LONG}', is_probe = false
         where d.id = any (array(select id from overdue)) and d.state || '' = 'waiting' and d.due_at < ${LONG_AGO}
        returning d.id, d.order_id, d.customer_server_id, d.order_version, d.transition_id, d.attempt_count,
                  d.last_outcome, d.last_response_status
      )
      select r.id as "deliveryId", r.order_id as "orderId", r.customer_server_id as "customerServerId",
             $1::text as "endpointId", r.order_version as version, t.to_status as status,
             t.from_status as "previousStatus", t.request_id as "requestId", t.traceparent,
             r.attempt_count as attempt, r.last_outcome as outcome, r.last_response_status as "responseStatus",
             a.reason, a.duration_ms as "durationMs"
        from ended r join order_transitions t on t.id = r.transition_id
        left join delivery_attempts a on a.delivery_id = r.id and a.attempt_number = r.attempt_count
       order by r.id`,
    values: [endpointId, maxHoldMs, limit],
  });
  return rows;
}
