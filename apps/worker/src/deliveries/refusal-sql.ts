/**
 * What becomes of a job whose claim was refused. A delivery of a closed endpoint goes back to `waiting`, one of a
 * deleted endpoint ends: only the holder of its job sees what commits between closing and claiming.
 *
 * Locks as the claim does, and for the same reasons (see claim-sql.ts): many are settled in one statement that waits for
 * nobody, and what somebody else has in hand is settled alone. Of two jobs of one delivery one settles it; the other is
 * told `held`, and alone finds another state.
 *
 * (`state || ''` as in platform's promote-sql.ts: found by id, whatever the statistics say.)
 */
import { buildList } from '@vendor-server/platform/database/list-sql.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Why a claim was refused, and what becomes of the job. */
export type ClaimRefusal =
  /** Somebody else sends it, or it is not due: the job comes back after `retryInMs`. */
  | { readonly kind: 'not_yet'; readonly retryInMs: number }
  /** Its endpoint is closed or deleted: the delivery was put back or ended, the lane may move. */
  | {
      readonly kind: 'endpoint_closed';
      readonly endpointId: string;
      readonly orderId: string;
      readonly isDeleted: boolean;
    }
  /** Another job answers for it, or it is finished. */
  | { readonly kind: 'stale' };

export interface RefusedJob {
  readonly deliveryId: string;
  readonly generation: number;
}

/** The delivery `d` is still what the job is for, and nobody is sending it. */
const IS_UNSENT = (job: string) =>
  `d.generation = ${job}.generation and d.state || '' = 'queued' and d.claim_token is null`;

/** @param whenLocked what to do about a delivery that another transaction has locked */
const buildSettling = (whenLocked: 'wait' | 'skip') => ({
  name: whenLocked === 'wait' ? 'settle-refusal' : 'settle-refusals',
  text: `
    with asked as (
      ${buildList({ id: 'char(24)', generation: 'int' })}
    ), seen as (
      select a.place, a.generation, d.id, d.endpoint_id, d.order_id,
             greatest(extract(epoch from coalesce(d.claimed_until, d.due_at) - clock_timestamp()) * 1000, 0)
               as wait_ms,
             e.deleted_at is not null as deleted,
             d.claim_token is null
               and (e.deleted_at is not null or e.state <> 'active' or (e."window" = 0 and not d.is_probe)) as stranded
        from asked a
        join deliveries d on d.id = a.id
        join webhook_endpoints e on e.id = d.endpoint_id
       where d.generation = a.generation and d.state || '' = 'queued'
    ), locked as (
      select d.id, seen.place, seen.generation, seen.deleted
        from seen join deliveries d on d.id = seen.id
       where seen.stranded and ${IS_UNSENT('seen')}
       order by d.id
         for no key update of d ${whenLocked === 'wait' ? '' : 'skip locked'}
    ), settled as (
      update deliveries d
         set state = case when l.deleted then 'cancelled' else 'waiting' end,
             finished_at = case when l.deleted then clock_timestamp() end,
             last_error = case when l.deleted then 'endpoint_deleted' else d.last_error end,
             job_due_at = null, is_probe = false
        from locked l
       where d.id = l.id and ${IS_UNSENT('l')}
      returning l.place
    )
    select seen.place::int, seen.endpoint_id as "endpointId", seen.order_id as "orderId", seen.deleted as "isDeleted",
           seen.wait_ms::float8 as "waitMs", seen.stranded as "isStranded", settled.place is not null as "isSettled"
      from seen left join settled on settled.place = seen.place`,
});
const SETTLE_WAITING = buildSettling('wait');
const SETTLE_SKIPPING = buildSettling('skip');

/**
 * Looks why claims were refused, and settles it. Waits for nobody.
 *
 * @returns for each job, in their order; `held` when somebody else has its delivery in hand
 */
export async function settleRefusals(
  executor: SqlExecutor,
  jobs: readonly RefusedJob[],
): Promise<(ClaimRefusal | 'held')[]> {
  const rows = await settle(executor, SETTLE_SKIPPING, jobs);
  return rows.map((row) => (row?.isStranded && !row.isSettled ? 'held' : toRefusal(row)));
}

/** The same for one, which waits for whoever has it in hand. */
export async function settleRefusal(executor: SqlExecutor, job: RefusedJob): Promise<ClaimRefusal> {
  const [row] = await settle(executor, SETTLE_WAITING, [job]);
  return toRefusal(row);
}

function toRefusal(row: RefusalRow | undefined): ClaimRefusal {
  if (row === undefined) return { kind: 'stale' };
  const { endpointId, orderId, isDeleted, isSettled, waitMs } = row;
  if (isSettled) return { kind: 'endpoint_closed', endpointId, orderId, isDeleted };
  return { kind: 'not_yet', retryInMs: Math.max(1_000, Math.ceil(waitMs)) };
}

interface RefusalRow {
  /** Of the job, from 1. */
  place: number;
  endpointId: string;
  orderId: string;
  isDeleted: boolean;
  waitMs: number;
  /** Nobody will send it: its endpoint is closed, and it is not claimed. */
  isStranded: boolean;
  isSettled: boolean;
}

/** @returns of each job what is known of its delivery; undefined when it is not `queued` for this job */
async function settle(
  executor: SqlExecutor,
  statement: { readonly name: string; readonly text: string },
  jobs: readonly RefusedJob[],
): Promise<(RefusalRow | undefined)[]> {
  const { rows } = await executor.query<RefusalRow>({
    ...statement,
    values: [jobs.map(({ deliveryId }) => deliveryId), jobs.map(({ generation }) => generation)],
  });
  const byPlace = new Map(rows.map((row) => [row.place, row]));
  return jobs.map((_, index) => byPlace.get(index + 1));
}
