import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { AttemptKey } from './record-sql.ts';

/**
 * Gives a claim back after a fault of ours: the attempt is closed as `interrupted`, which uses no budget, and the
 * delivery waits for `pauseMs` at the head of its lane. A probe is none any more, and as due as it was.
 *
 * @returns false when the claim is no longer this attempt's (`coalesce(claim_token, '')`: see record-sql.ts)
 */
export async function releaseClaim(
  executor: SqlExecutor,
  key: AttemptKey,
  reason: string,
  pauseMs: number,
): Promise<boolean> {
  const { rowCount } = await executor.query({
    name: 'release-claim',
    text: `
      with released as (
        update deliveries
           set state = 'waiting', claim_token = null, claimed_until = null, job_due_at = null, is_probe = false,
               due_at = case when is_probe then due_at
                             else clock_timestamp() + make_interval(secs => $4::float8 / 1000) end,
               last_outcome = 'interrupted', last_error = $5
         where id = $1 and coalesce(claim_token, '') = $3
        returning id
      )
      update delivery_attempts a
         set ended_at = date_trunc('milliseconds', clock_timestamp()), outcome = 'interrupted', reason = 'own_fault',
             error = $5, duration_ms = extract(epoch from clock_timestamp() - a.started_at) * 1000
        from released r
       where a.delivery_id = r.id and a.attempt_number = $2 and a.claim_token = $3`,
    values: [key.deliveryId, key.attemptNumber, key.token, pauseMs, reason],
  });
  return rowCount === 1;
}
