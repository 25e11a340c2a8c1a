/** What attempts show of their endpoint, written in statements of their own, after the record has committed. */
import type { EndpointState } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/**
 * `last_success_at` is this coarse, so that a busy endpoint costs no write per delivery. An expression of SQL over
 * `webhook_endpoints e`: whether a success now would be news, because it is the first after a failure or because
 * none was noted for so long. The claim asks it, and the note asks again: of many that succeed at once one writes.
 */
export const IS_SUCCESS_NEWS = `(e.failing_since is not null or e.last_success_at is null
  or e.last_success_at < clock_timestamp() - interval '1 minute')`;

/** What the health of an endpoint is decided by, before and after a note. */
export interface NotedEndpoint {
  readonly state: EndpointState;
  readonly window: number;
  readonly consecutiveFailures: number;
  readonly failingSince: Date | null;
}

const NOTED = `state, "window", consecutive_failures as "consecutiveFailures", failing_since as "failingSince"`;

/**
 * @param reason e.g. "rejected 503"; no secrets, because the endpoint's owner reads it
 * @returns the endpoint afterwards; null when it was deleted
 */
export async function noteFailure(
  executor: SqlExecutor,
  endpointId: string,
  reason: string,
): Promise<NotedEndpoint | null> {
  const { rows } = await executor.query<NotedEndpoint>({
    name: 'note-endpoint-failure',
    text: `
      update webhook_endpoints
         set consecutive_failures = consecutive_failures + 1, last_failure_reason = $2,
             failing_since = coalesce(failing_since, date_trunc('milliseconds', clock_timestamp())),
             last_failure_at = date_trunc('milliseconds', clock_timestamp())
       where id = $1 and deleted_at is null
      returning ${NOTED}`,
    values: [endpointId, reason],
  });
  return rows[0] ?? null;
}

/** @returns the endpoint before; null when the success was no news any more, or the endpoint was deleted */
export async function noteSuccess(executor: SqlExecutor, endpointId: string): Promise<NotedEndpoint | null> {
  const { rows } = await executor.query<NotedEndpoint>({
    name: 'note-endpoint-success',
    text: `
      with before as (
        select e.id, ${NOTED} from webhook_endpoints e
         where e.id = $1 and e.deleted_at is null and ${IS_SUCCESS_NEWS}
           for no key update
      ), noted as (
        update webhook_endpoints e
           set consecutive_failures = 0, failing_since = null,
               last_success_at = date_trunc('milliseconds', clock_timestamp())
          from before where e.id = before.id
      )
      select * from before`,
    values: [endpointId],
  });
  return rows[0] ?? null;
}
