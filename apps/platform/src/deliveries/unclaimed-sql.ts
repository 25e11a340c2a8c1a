/**
 * What a closed endpoint's jobs would have sent, unless it is being sent already: back to `waiting`, or ended when
 * the endpoint was deleted. For a transaction that holds the endpoint's advisory lock and has closed it. Their jobs
 * find nothing to do. What commits a moment later, and a burst beyond the limit, the claim puts back one by one.
 *
 * (`state || ''` as in promote-sql.ts: found by id, whatever the statistics say.)
 */
import type { SqlExecutor } from '../database/sql-executor.ts';

const MAX_PUT_BACK = 500;

const UNCLAIMED = `select id from deliveries
  where endpoint_id = $1 and state = 'queued' and claim_token is null
  order by id limit ${MAX_PUT_BACK} for no key update`;

/** They keep their due time. */
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
         set state = 'cancelled', job_due_at = null, is_probe = false, last_error = 'endpoint_deleted',
             finished_at = date_trunc('milliseconds', clock_timestamp())
       where d.id = any (array(select id from unclaimed)) and d.state || '' = 'queued' and d.claim_token is null`,
    values: [endpointId],
  });
  return rowCount ?? 0;
}
