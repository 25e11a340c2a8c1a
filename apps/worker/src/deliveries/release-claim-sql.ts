import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { AttemptKey } from './record-sql.ts';

/**
 * Gives a claim back after a fault of ours: the attempt is closed as `interrupted`, which uses no budget, and the
 * delivery waits for `pauseMs` at the head of its lane. A probe is none any more, and as due as it was.
 *
 * Waits for nobody, as records of many do (see record-sql.ts, also for `coalesce(claim_token, '')`).
 *
 * @returns `held`: nothing was written yet, because somebody holds the delivery's row; `lost`: the claim is no longer this
 *   attempt's
 */
export async function releaseClaim(
  executor: SqlExecutor,
  key: AttemptKey,
  reason: string,
  pauseMs: number,
): Promise<'released' | 'held' | 'lost'> {
  const { rows } = await executor.query<{ fate: 'released' | 'held' | 'lost' }>({
    name: 'release-claim',
    text: `
      with free as (
        select id from deliveries
         where id = $1 and coalesce(claim_token, '') = $3
           for no key update skip locked
      ), released as (
        update deliveries d
           set state = 'waiting', claim_token = null, claimed_until = null, job_due_at = null, is_probe = false,
               due_at = case when d.is_probe then d.due_at
                             else clock_timestamp() + make_interval(secs => $4::float8 / 1000) end,
               last_outcome = 'interrupted', last_error = $5
          from free f
         where d.id = f.id and coalesce(d.claim_token, '') = $3
        returning d.id
      ), ended as (
        update delivery_attempts a
           set ended_at = date_trunc('milliseconds', clock_timestamp()), outcome = 'interrupted', reason = 'own_fault',
               error = $5, duration_ms = extract(epoch from clock_timestamp() - a.started_at) * 1000
          from released r
         where a.delivery_id = r.id and a.attempt_number = $2 and a.claim_token = $3
      )
      select case when exists (select 1 from released) then 'released'
                  when exists (select 1 from deliveries where id = $1 and coalesce(claim_token, '') = $3) then 'held'
                  else 'lost' end as fate`,
    values: [key.deliveryId, key.attemptNumber, key.token, pauseMs, reason],
  });
  return rows[0]?.fate ?? 'lost';
}
