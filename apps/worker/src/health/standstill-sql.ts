/** Whether deliveries move, told by the database: for a worker that has attempted nothing lately itself. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Notes that an attempt has just ended, for all workers to see. */
export async function noteAttemptEnded(executor: SqlExecutor): Promise<void> {
  await executor.query({
    name: 'note-attempt-ended',
    text: `insert into delivery_progress (id, attempt_ended_at) values (1, clock_timestamp())
           on conflict (id) do update set attempt_ended_at = excluded.attempt_ended_at`,
  });
}

/**
 * Whether something has been due for `periodMs` at an open endpoint while no worker's attempt has ended for as long.
 *
 * What counts as due: a head that waits, also for room in a full window; one that is queued and that nobody has
 * claimed; one whose claim ran out and was not ended. Not what is blocked, which waits for its lane's head, nor what
 * an endpoint holds that is paused, disabled, broken or deleted; one that was opened again a moment ago is given
 * `periodMs` from then on.
 *
 * By `due_at`: the relay renews `job_due_at` whenever it remakes a job. One or two index probes for each endpoint
 * until the first that is found; of what is queued an endpoint has about a window.
 */
export async function isStandingStill(executor: SqlExecutor, periodMs: number): Promise<boolean> {
  const { rows } = await executor.query<{ standing: boolean }>({
    name: 'is-standing-still',
    text: `
      with since as (select clock_timestamp() - make_interval(secs => $1::float8 / 1000) as at)
      select not exists (select 1 from delivery_progress p, since where p.attempt_ended_at > since.at)
         and exists (
           select 1 from webhook_endpoints e, since
            where e.state = 'active' and e."window" > 0 and e.deleted_at is null
              and (e.state_changed_at <= e.created_at or e.state_changed_at < since.at)
              and (exists (select 1 from deliveries d where d.endpoint_id = e.id and d.state = 'waiting'
                              and d.due_at < since.at)
                or exists (select 1 from deliveries d where d.endpoint_id = e.id and d.state = 'queued'
                              and d.claim_token is null and d.due_at < since.at)
                or exists (select 1 from deliveries d where d.endpoint_id = e.id and d.state = 'queued'
                              and d.claimed_until < since.at))
         ) as standing`,
    values: [periodMs],
  });
  return rows[0]?.standing ?? false;
}
