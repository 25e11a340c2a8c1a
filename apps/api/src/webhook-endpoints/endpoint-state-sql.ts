/** The statements that open, close and delete an endpoint, for a transaction that holds its advisory lock. */
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
         set state = $2, state_reason = $3,
             -- What it holds is held since it was closed first, not since somebody else closed it, too.
             state_changed_at = case when state = $2 then state_changed_at
                                     else date_trunc('milliseconds', clock_timestamp()) end,
             updated_at = date_trunc('milliseconds', clock_timestamp()),
             "window" = case when $4 then 1 else "window" end,
             window_changed_at = case when $4 then clock_timestamp() else window_changed_at end,
             failing_answers = case when $4 then 0 else failing_answers end,
             gone_order_ids = case when $4 then '{}' else gone_order_ids end,
             failing_order_ids = case when $4 then '{}' else failing_order_ids end,
             consecutive_failures = case when $4 then 0 else consecutive_failures end,
             failing_since = case when $4 then null else failing_since end,
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
