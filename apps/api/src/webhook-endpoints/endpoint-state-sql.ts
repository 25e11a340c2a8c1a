/**
 * The statements that open, close and delete an endpoint, for a transaction that holds its advisory lock.
 * (`state || ''` as in platform's promote-sql.ts: found by id, whatever the statistics say.)
 */
import type { EndpointState } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

export interface LockedEndpoint {
  readonly customerServerId: string;
  readonly state: EndpointState;
  readonly stateReason: string | null;
}

/** Locks the endpoint's row, unless it was deleted. Changes of orders, which refer to the row, do not wait. */
export async function lockEndpointRow(
  executor: SqlExecutor,
  endpointId: string,
): Promise<LockedEndpoint | null> {
  const { rows } = await executor.query<LockedEndpoint>({
    name: 'lock-endpoint-row',
    text: `select customer_server_id as "customerServerId", state, state_reason as "stateReason"
             from webhook_endpoints where id = $1 and deleted_at is null for no key update`,
    values: [endpointId],
  });
  return rows[0] ?? null;
}

/** @param startsSmall begins with one delivery at a time, and with nothing held against the endpoint */
export async function writeEndpointState(
  executor: SqlExecutor,
  endpointId: string,
  { state, reason, startsSmall }: { state: EndpointState; reason: string | null; startsSmall: boolean },
): Promise<void> {
  await executor.query({
    name: 'write-endpoint-state',
    text: `
      update webhook_endpoints
         set state = $2, state_reason = $3, state_changed_at = date_trunc('milliseconds', clock_timestamp()),
             updated_at = date_trunc('milliseconds', clock_timestamp()),
             "window" = case when $4 then 1 else "window" end,
             window_changed_at = case when $4 then clock_timestamp() else window_changed_at end,
             window_successes = case when $4 then 0 else window_successes end,
             gone_order_ids = case when $4 then '{}' else gone_order_ids end,
             failing_order_ids = case when $4 then '{}' else failing_order_ids end,
             broken_since = case when $4 then null else broken_since end,
             next_probe_at = case when $4 then null else next_probe_at end,
             probe_cooldown_ms = case when $4 then null else probe_cooldown_ms end
       where id = $1`,
    values: [endpointId, state, reason, startsSmall],
  });
}

/** @returns when it was deleted, by the database's clock */
export async function writeEndpointDeletion(executor: SqlExecutor, endpointId: string): Promise<Date> {
  const { rows } = await executor.query<{ deletedAt: Date }>({
    name: 'write-endpoint-deletion',
    text: `update webhook_endpoints
              set deleted_at = date_trunc('milliseconds', clock_timestamp()),
                  updated_at = date_trunc('milliseconds', clock_timestamp())
            where id = $1 returning deleted_at as "deletedAt"`,
    values: [endpointId],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('a locked endpoint is gone');
  return row.deletedAt;
}

/**
 * What a closed endpoint's jobs would have sent, unless it is being sent already: back to `waiting`, or ended when
 * the endpoint was deleted. Their jobs find nothing to do. What commits a moment later, and a burst beyond the
 * limit, the claim puts back one by one.
 */
const MAX_PUT_BACK = 500;

const UNCLAIMED = `select id from deliveries
  where endpoint_id = $1 and state = 'queued' and claim_token is null
  order by id limit ${MAX_PUT_BACK} for no key update`;

export async function putBackUnclaimed(executor: SqlExecutor, endpointId: string): Promise<void> {
  await executor.query({
    name: 'put-back-unclaimed',
    text: `
      with unclaimed as (${UNCLAIMED})
      update deliveries d set state = 'waiting', job_due_at = null, is_probe = false
       where d.id = any (array(select id from unclaimed)) and d.state || '' = 'queued' and d.claim_token is null`,
    values: [endpointId],
  });
}

/** @returns how many ended */
export async function cancelUnclaimed(executor: SqlExecutor, endpointId: string): Promise<number> {
  const { rowCount } = await executor.query({
    name: 'cancel-unclaimed',
    text: `
      with unclaimed as (${UNCLAIMED})
      update deliveries d
         set state = 'cancelled', job_due_at = null, last_error = 'endpoint_deleted',
             finished_at = date_trunc('milliseconds', clock_timestamp())
       where d.id = any (array(select id from unclaimed)) and d.state || '' = 'queued' and d.claim_token is null`,
    values: [endpointId],
  });
  return rowCount ?? 0;
}
