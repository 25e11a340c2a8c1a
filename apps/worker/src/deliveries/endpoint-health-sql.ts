/** What attempts show of their endpoint, read and written in a transaction of its own after the record's. */
import { type EndpointRecord, SUCCESS_NEWS_MS } from '@vendor-server/domain/endpoints/decide-endpoint.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/**
 * An expression of SQL over `webhook_endpoints e`: whether a success now would be news, because it is the first
 * after a failure or because none was noted for so long. The claim asks it, and the decision asks again.
 */
export const IS_SUCCESS_NEWS = `(e.failing_since is not null or e.last_success_at is null
  or e.last_success_at < clock_timestamp() - interval '${SUCCESS_NEWS_MS} milliseconds')`;

/** What was read of an endpoint. */
export interface ReadRecord {
  readonly endpointId: string;
  readonly record: EndpointRecord;
  readonly url: string;
  /** Another one after every commit that changes the row; a lock alone leaves it. */
  readonly version: string;
  /** By the database's clock: when it was read, or its lock was granted. */
  readonly now: Date;
}

const SELECT_RECORD = `
  select id as "endpointId", state, state_reason as "stateReason", state_changed_at as "stateChangedAt",
         gone_order_ids as "goneOrderIds", "window", window_changed_at as "windowChangedAt", failing_answers as "failingAnswers",
         failing_order_ids as "failingOrderIds", broken_since as "brokenSince",
         next_probe_at as "nextProbeAt", probe_cooldown_ms as "probeCooldownMs",
         consecutive_failures as "consecutiveFailures", failing_since as "failingSince",
         last_success_at as "lastSuccessAt", last_failure_at as "lastFailureAt",
         last_failure_reason as "lastFailureReason", url, xmin::text as version, clock_timestamp() as now
    from webhook_endpoints where deleted_at is null and`;

interface RecordRow extends EndpointRecord {
  readonly endpointId: string;
  readonly url: string;
  readonly version: string;
  readonly now: Date;
}

function toReadRecord({ endpointId, url, version, now, ...record }: RecordRow): ReadRecord {
  return { endpointId, record, url, version, now };
}

/** Reads endpoints without a lock; those that were deleted are left out. */
export async function readEndpointRecords(
  executor: SqlExecutor,
  endpointIds: readonly string[],
): Promise<ReadRecord[]> {
  const { rows } = await executor.query<RecordRow>({
    name: 'read-endpoint-records',
    text: `${SELECT_RECORD} id = any ($1::char(24)[])`,
    values: [endpointIds],
  });
  return rows.map(toReadRecord);
}

/** Locks the endpoint's row until the transaction ends; null when it was deleted. Changes of orders do not wait. */
export async function lockEndpointRecord(
  transaction: SqlExecutor,
  endpointId: string,
): Promise<ReadRecord | null> {
  const { rows } = await transaction.query<RecordRow>({
    name: 'lock-endpoint-record',
    text: `${SELECT_RECORD} id = $1 for no key update`,
    values: [endpointId],
  });
  return rows[0] === undefined ? null : toReadRecord(rows[0]);
}

/** What was decided on a version of an endpoint. */
export interface DecidedRecord {
  readonly endpointId: string;
  readonly version: string;
  readonly record: EndpointRecord;
}

/**
 * Writes what was decided on versions that are the endpoints' still. Waits for nobody.
 *
 * @returns the ids of those it wrote; the others have changed meanwhile, or somebody else holds their rows
 */
export async function writeEndpointRecords(
  executor: SqlExecutor,
  decided: readonly DecidedRecord[],
): Promise<string[]> {
  const { rows } = await executor.query<{ endpointId: string }>({
    name: 'write-endpoint-records',
    text: `
      with decided as (
        select * from json_to_recordset($1::json) r (
          "endpointId" char(24), version text, "window" int, "windowChangedAt" timestamptz,
          "failingAnswers" int, "failingOrderIds" text[], "brokenSince" timestamptz, "nextProbeAt" timestamptz,
          "probeCooldownMs" int, "consecutiveFailures" int, "failingSince" timestamptz, "lastSuccessAt" timestamptz,
          "lastFailureAt" timestamptz, "lastFailureReason" text, "goneOrderIds" text[],
          state text, "stateReason" text, "stateChangedAt" timestamptz)
      ), locked as (
        select r.* from decided r
         cross join lateral (select 1 from webhook_endpoints
                              where id = r."endpointId" and xmin::text = r.version
                                for no key update skip locked) e
      )
      update webhook_endpoints e
         set "window" = l."window", window_changed_at = l."windowChangedAt",
             failing_answers = l."failingAnswers", failing_order_ids = l."failingOrderIds",
             broken_since = l."brokenSince", next_probe_at = l."nextProbeAt",
             probe_cooldown_ms = l."probeCooldownMs", consecutive_failures = l."consecutiveFailures",
             failing_since = l."failingSince", last_success_at = l."lastSuccessAt",
             last_failure_at = l."lastFailureAt", last_failure_reason = l."lastFailureReason",
             gone_order_ids = l."goneOrderIds",
             state = l.state, state_reason = l."stateReason", state_changed_at = l."stateChangedAt",
             updated_at = case when e.state = l.state then e.updated_at
                               else date_trunc('milliseconds', clock_timestamp()) end,
             -- Each time it breaks, probes begin with the oldest again.
             probed_due_at = case when l."window" > 0 then null else e.probed_due_at end,
             probed_id = case when l."window" > 0 then null else e.probed_id end
        from locked l
       where e.id = l."endpointId" and e.xmin::text = l.version
      returning e.id as "endpointId"`,
    values: [
      JSON.stringify(decided.map(({ endpointId, version, record }) => ({ endpointId, version, ...record }))),
    ],
  });
  return rows.map(({ endpointId }) => endpointId);
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
