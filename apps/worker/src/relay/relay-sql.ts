/**
 * The relay's statements. Each reads by state and is conditional on what it read; each is bounded, and waits for nobody:
 * what somebody else has in hand is left for the next tick, so that a transaction that was forgotten with some row in its
 * hands keeps no other from being repaired. (`state || ''` as in platform's promote-sql.ts: found by id, whatever the
 * statistics say.)
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import {
  type Lane,
  type QueuedRow,
  toDeliveryJobData,
} from '@vendor-server/platform/deliveries/promote-sql.ts';
import { IS_REPLACED, SUPERSEDED } from '@vendor-server/platform/deliveries/supersede-sql.ts';
import type { DeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';

/** Ten workers in a row died on it: it is more likely to be the cause than the victim. */
export const MAX_INTERRUPTIONS = 10;

export interface LateJob {
  readonly deliveryId: string;
  readonly generation: number;
  /** As text, because a Date would cut the microseconds a cursor needs. */
  readonly jobDueAt: string;
  /** How long ago the job should have run, in milliseconds. */
  readonly lateMs: number;
}

/** A place in a rotation: rows after it come next. */
export interface LateJobCursor {
  readonly jobDueAt: string;
  readonly deliveryId: string;
}

/** Unclaimed `queued` deliveries whose job should have run more than `graceMs` ago, oldest first. */
export async function findLateJobs(
  executor: SqlExecutor,
  graceMs: number,
  after: LateJobCursor | null,
  limit: number,
): Promise<LateJob[]> {
  const { rows } = await executor.query<LateJob>({
    name: 'find-late-jobs',
    text: `
      select id as "deliveryId", generation, job_due_at::text as "jobDueAt",
             (extract(epoch from clock_timestamp() - job_due_at) * 1000)::float8 as "lateMs"
        from deliveries
       where state = 'queued' and claim_token is null
         and job_due_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)
         and ($2::timestamptz is null or (job_due_at, id) > ($2, $3))
       order by job_due_at, id
       limit $4`,
    values: [graceMs, after?.jobDueAt ?? null, after?.deliveryId ?? null, limit],
  });
  return rows;
}

/** Gives deliveries whose job is lost a new generation, unless somebody claimed them or was faster. */
export async function renewGenerations(
  executor: SqlExecutor,
  lost: readonly Pick<LateJob, 'deliveryId' | 'generation'>[],
): Promise<DeliveryJobData[]> {
  const { rows } = await executor.query<QueuedRow>({
    name: 'renew-generations',
    text: `
      with lost as (
        select l.* from unnest($1::char(24)[], $2::int[]) as l(id, generation) join deliveries d on d.id = l.id
         where d.generation = l.generation and d.state || '' = 'queued' and d.claim_token is null
         order by d.id for no key update of d skip locked
      ), renewed as (
        update deliveries d
           set generation = d.generation + 1, job_due_at = greatest(d.due_at, clock_timestamp())
          from lost l
         where d.id = l.id and d.generation = l.generation and d.state || '' = 'queued' and d.claim_token is null
        returning d.id, d.generation, d.order_id, d.order_version, d.transition_id, d.endpoint_id
      )
      ${SELECT_JOBS} from renewed r ${JOIN_JOBS}`,
    values: [lost.map(({ deliveryId }) => deliveryId), lost.map(({ generation }) => generation)],
  });
  return rows.map(toDeliveryJobData);
}

export interface EndedClaim {
  readonly job: DeliveryJobData;
  readonly endpointId: string;
  readonly customerServerId: string;
  readonly previousStatus: string | null;
  /** Of the request that caused the change. */
  readonly requestId: string | null;
  readonly traceparent: string | null;
  /** Number of the attempt that was closed. */
  readonly attempt: number;
  /** From the attempt's start to its end here. */
  readonly durationMs: number;
  /** `failed` after MAX_INTERRUPTIONS; `superseded` when a newer change replaces it. */
  readonly state: 'queued' | 'failed' | 'superseded';
  /** As the endpoint is now. */
  readonly wantsLatestOnly: boolean;
}

export interface ClaimName {
  readonly deliveryId: string;
  readonly token: string;
}

export interface EndingClaim extends ClaimName {
  /** Its lease. */
  readonly isOver: boolean;
  /** Somebody has the delivery's row in hand, or has just changed it. */
  readonly isHeld: boolean;
}

/** The claims whose leases are over, or will be within `withinMs`, the oldest first. */
export async function findEndingClaims(
  executor: SqlExecutor,
  withinMs: number,
  limit: number,
): Promise<EndingClaim[]> {
  const { rows } = await executor.query<EndingClaim>({
    name: 'find-ending-claims',
    text: `
      with ending as materialized (
        select id, claim_token, claimed_until from deliveries
         where claim_token is not null and claimed_until < clock_timestamp() + make_interval(secs => $1::float8 / 1000)
         order by claimed_until limit $2
      ), free as (
        select d.id from deliveries d
         where d.id = any (array(select id from ending)) and coalesce(d.claim_token, '') <> ''
           for no key update of d skip locked
      )
      select ending.id as "deliveryId", claim_token as token, claimed_until < clock_timestamp() as "isOver",
             free.id is null as "isHeld"
        from ending left join free on free.id = ending.id
       order by claimed_until`,
    values: [withinMs, limit],
  });
  return rows;
}

/**
 * Ends claims whose lease ran out: the attempt is closed as `interrupted`, which uses no budget, and the
 * delivery gets a new generation, so that whoever still holds the old token or job finds both void.
 */
export async function endExpiredClaims(
  executor: SqlExecutor,
  claims: readonly ClaimName[],
): Promise<EndedClaim[]> {
  const { rows } = await executor.query<QueuedRow & Omit<EndedClaim, 'job'>>({
    name: 'end-expired-claims',
    text: `
      with expired as (
        select d.id, d.claim_token,
               case when d.interrupted_count + 1 >= $3::int then 'failed'
                    when ${IS_REPLACED} then 'superseded' else 'queued' end as state
          from unnest($1::char(24)[], $2::text[]) claim (id, token) join deliveries d on d.id = claim.id
         where coalesce(d.claim_token, '') = claim.token and d.claimed_until < clock_timestamp()
         order by d.id for no key update of d skip locked
      ), ended as (
        update deliveries d
           set claim_token = null, claimed_until = null, generation = d.generation + 1,
               interrupted_count = d.interrupted_count + 1, last_outcome = 'interrupted',
               is_probe = d.is_probe and e.state = 'queued',
               state = e.state,
               due_at = clock_timestamp(),
               job_due_at = case e.state when 'queued' then clock_timestamp() end,
               finished_at = case when e.state <> 'queued' then date_trunc('milliseconds', clock_timestamp()) end,
               last_error = case e.state when 'failed' then 'interrupted' when 'superseded' then '${SUPERSEDED}'
                                 else d.last_error end
          from expired e
         where d.id = e.id and d.claim_token = e.claim_token
        returning d.id, d.generation, d.order_id, d.order_version, d.transition_id, d.endpoint_id,
                  d.customer_server_id, d.state, d.attempt_count
      ), closed as (
        update delivery_attempts a
           set ended_at = date_trunc('milliseconds', clock_timestamp()), outcome = 'interrupted',
               reason = 'interrupted', duration_ms = extract(epoch from clock_timestamp() - a.started_at) * 1000,
               error = 'interrupted: The worker vanished before it recorded an answer.'
          from ended r
         where a.delivery_id = r.id and a.attempt_number = r.attempt_count and a.ended_at is null
        returning a.delivery_id, a.duration_ms
      )
      ${SELECT_JOBS}, r.endpoint_id as "endpointId", r.state, e.mode = 'latest_only' as "wantsLatestOnly", r.attempt_count as attempt,
             r.customer_server_id as "customerServerId", t.from_status as "previousStatus",
             t.request_id as "requestId", t.traceparent, coalesce(c.duration_ms, 0) as "durationMs"
        from ended r ${JOIN_JOBS} left join closed c on c.delivery_id = r.id`,
    values: [claims.map(({ deliveryId }) => deliveryId), claims.map(({ token }) => token), MAX_INTERRUPTIONS],
  });
  return rows.map((row) => ({
    job: toDeliveryJobData(row),
    endpointId: row.endpointId,
    customerServerId: row.customerServerId,
    previousStatus: row.previousStatus,
    requestId: row.requestId,
    traceparent: row.traceparent,
    attempt: row.attempt,
    durationMs: row.durationMs,
    state: row.state,
    wantsLatestOnly: row.wantsLatestOnly,
  }));
}

const SELECT_JOBS = `select r.id as "deliveryId", r.generation, r.order_id as "orderId",
  r.order_version as version, t.to_status as status, e.url`;
const JOIN_JOBS = `join order_transitions t on t.id = r.transition_id join webhook_endpoints e on e.id = r.endpoint_id`;

/**
 * Active endpoints with room and a due head, after `afterId` by id. Steps from endpoint to endpoint through
 * the index of waiting deliveries (one probe each), so the cost follows the number of endpoints that have any
 * and never the length of their backlogs.
 */
export async function findPromotableEndpoints(
  executor: SqlExecutor,
  afterId: string,
  limit: number,
): Promise<{ readonly seen: string[]; readonly promotable: string[] }> {
  const { rows } = await executor.query<{ id: string; promotable: boolean }>({
    name: 'find-promotable-endpoints',
    text: `
      with recursive step(id, n) as (
        (select endpoint_id, 1 from deliveries
          where state = 'waiting' and endpoint_id > $1 order by endpoint_id limit 1)
        union all
        select (select d.endpoint_id from deliveries d
                 where d.state = 'waiting' and d.endpoint_id > step.id order by d.endpoint_id limit 1), n + 1
          from step where step.id is not null and n < $2
      )
      select step.id,
             e.deleted_at is not null
             or (e.state = 'active'
                 and (select d.due_at from deliveries d where d.endpoint_id = step.id and d.state = 'waiting'
                       order by d.due_at, d.id limit 1) <= clock_timestamp()
                 and e."window" > (select count(*) from (select 1 from deliveries d
                                    where d.endpoint_id = step.id and d.state = 'queued' limit 64) queued)
             ) as promotable
        from step join webhook_endpoints e on e.id = step.id
       order by step.id`,
    values: [afterId, limit],
  });
  return {
    seen: rows.map(({ id }) => id),
    promotable: rows.filter(({ promotable }) => promotable).map(({ id }) => id),
  };
}

/** Of a lane. */
const HEAD = `from deliveries d where d.endpoint_id = lane.endpoint_id and d.order_id = lane.order_id
  and d.state in ('waiting', 'queued') limit 1`;

/**
 * Lanes that are blocked behind nothing, or behind what a newer change replaces: a look after some commit was missed.
 * Reads `limit` blocked deliveries by the index, those of lanes after the given one, and the head of each of their
 * lanes: the cost is the same however much is blocked.
 *
 * @returns `last`, after which the next ones come; null when these were all
 */
export async function findStandingLanes(
  executor: SqlExecutor,
  after: Lane,
  limit: number,
): Promise<{ readonly standing: Lane[]; readonly last: Lane | null }> {
  const { rows } = await executor.query<Lane & { isLast: boolean }>({
    name: 'find-standing-lanes',
    text: `
      with blocked as materialized (
        select endpoint_id, order_id, replaces_older,
               row_number() over (order by endpoint_id, order_id, order_version) as place
          from deliveries
         where state = 'blocked' and (endpoint_id, order_id) > ($1, $2)
         order by endpoint_id, order_id, order_version limit $3
      ), lane as (
        -- Of the last lane some may not have been read.
        select endpoint_id, order_id, bool_or(replaces_older) or max(place) = $3 as may_replace
          from blocked group by endpoint_id, order_id
      )
      select endpoint_id as "endpointId", order_id as "orderId", false as "isLast" from lane
       -- No "not exists": PostgreSQL may answer that of all lanes at once, from every head there is. And no row of
       -- the table where the index is enough: most lanes are told of every step.
       where case when may_replace
                  then coalesce((select d.claim_token is null and ${IS_REPLACED} ${HEAD}), true)
                  else (select d.order_id ${HEAD}) is null end
      union all
      select endpoint_id, order_id, true from blocked where place = $3`,
    values: [after.endpointId, after.orderId, limit],
  });
  const toLane = ({ endpointId, orderId }: Lane): Lane => ({ endpointId, orderId });
  const last = rows.find(({ isLast }) => isLast);
  return {
    standing: rows.filter(({ isLast }) => !isLast).map(toLane),
    last: last === undefined ? null : toLane(last),
  };
}
