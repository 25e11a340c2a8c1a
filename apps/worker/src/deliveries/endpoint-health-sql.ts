/** What attempts show of their endpoint, read and written in a transaction of its own after the record's. */
import { type EndpointRecord, SUCCESS_NEWS_MS } from '@vendor-server/domain/endpoints/decide-endpoint.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/**
 * An expression of SQL over `webhook_endpoints e`: whether a success now would be news, because it is the first
 * after a failure or because none was noted for so long. The claim asks it, and the decision asks again.
 */
export const IS_SUCCESS_NEWS = `(e.failing_since is not null or e.last_success_at is null
  or e.last_success_at < clock_timestamp() - interval '${SUCCESS_NEWS_MS} milliseconds')`;

export interface LockedRecord {
  readonly record: EndpointRecord;
  readonly url: string;
  /** By the database's clock, when the lock was granted. */
  readonly now: Date;
}

/** Locks the endpoint's row until the transaction ends; null when it was deleted. Changes of orders do not wait. */
export async function lockEndpointRecord(
  transaction: SqlExecutor,
  endpointId: string,
): Promise<LockedRecord | null> {
  const { rows } = await transaction.query<EndpointRecord & { url: string; now: Date }>({
    name: 'lock-endpoint-record',
    text: `
      select state, state_reason as "stateReason", state_changed_at as "stateChangedAt",
             gone_order_ids as "goneOrderIds", "window", window_changed_at as "windowChangedAt", failing_answers as "failingAnswers",
             failing_order_ids as "failingOrderIds", broken_since as "brokenSince",
             next_probe_at as "nextProbeAt", probe_cooldown_ms as "probeCooldownMs",
             consecutive_failures as "consecutiveFailures", failing_since as "failingSince",
             last_success_at as "lastSuccessAt", last_failure_at as "lastFailureAt",
             last_failure_reason as "lastFailureReason", url, clock_timestamp() as now
        from webhook_endpoints where id = $1 and deleted_at is null for no key update`,
    values: [endpointId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  const { url, now, ...record } = row;
  return { record, url, now };
}

/** Writes what was decided on the locked row. */
export async function writeEndpointRecord(
  transaction: SqlExecutor,
  endpointId: string,
  record: EndpointRecord,
): Promise<void> {
  await transaction.query({
    name: 'write-endpoint-record',
    text: `
      update webhook_endpoints
         set "window" = $2, window_changed_at = $3,
             failing_answers = $4, failing_order_ids = $5, broken_since = $6, next_probe_at = $7,
             probe_cooldown_ms = $8, consecutive_failures = $9, failing_since = $10, last_success_at = $11,
             last_failure_at = $12, last_failure_reason = $13, gone_order_ids = $14,
             state = $15, state_reason = $16, state_changed_at = $17,
             updated_at = case when state = $15 then updated_at
                               else date_trunc('milliseconds', clock_timestamp()) end,
             -- Each time it breaks, probes begin with the oldest again.
             probed_due_at = case when $2 > 0 then null else probed_due_at end,
             probed_id = case when $2 > 0 then null else probed_id end
       where id = $1`,
    values: [
      endpointId,
      record.window,
      record.windowChangedAt,
      record.failingAnswers,
      record.failingOrderIds,
      record.brokenSince,
      record.nextProbeAt,
      record.probeCooldownMs,
      record.consecutiveFailures,
      record.failingSince,
      record.lastSuccessAt,
      record.lastFailureAt,
      record.lastFailureReason,
      record.goneOrderIds,
      record.state,
      record.stateReason,
      record.stateChangedAt,
    ],
  });
}

/** Locks the endpoint's row; whether it is sent nothing but probes. For a transaction with its advisory lock. */
export async function lockIfClosed(transaction: SqlExecutor, endpointId: string): Promise<boolean> {
  const { rowCount } = await transaction.query({
    name: 'lock-endpoint-if-closed',
    text: `select 1 from webhook_endpoints
            where id = $1 and deleted_at is null and (state <> 'active' or "window" = 0) for no key update`,
    values: [endpointId],
  });
  return rowCount === 1;
}
