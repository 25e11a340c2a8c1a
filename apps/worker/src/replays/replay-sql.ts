/**
 * The statements of the replays' rounds. Each is bounded, and reads by an index. (`state || ''` as in platform's
 * promote-sql.ts: what replays have under way is in an index of its own.)
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { ReopenableState } from '@vendor-server/platform/deliveries/reopen-sql.ts';

/** A place in the order of changes. */
export interface ReplayCursor {
  readonly changedAt: Date;
  readonly deliveryId: string;
}

/** How far a replay has come at one endpoint, and how much it may open there now. */
export interface ReplayPlace {
  readonly until: Date;
  readonly states: readonly ReopenableState[];
  /** The last delivery looked at, or what comes before the first. */
  readonly cursor: ReplayCursor;
  readonly isEndpointDeleted: boolean;
  readonly window: number;
  /** Opened by any replay, and in the queue or about to be. */
  readonly onTheirWay: number;
  /** Opened by any replay and not ended, those that are blocked or wait for a retry included; at most 500. */
  readonly underWay: number;
}

/** Replays with something left to do, after `afterId` by id. */
export async function findUnfinishedReplays(
  executor: SqlExecutor,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await executor.query<{ id: string }>({
    name: 'find-unfinished-replays',
    text: `select id from replays where state <> 'completed' and id > $1 order by id limit $2`,
    values: [afterId, limit],
  });
  return rows.map(({ id }) => id);
}

/** The endpoints at which a replay has not come to the end of its span. */
export async function findOpenPlaces(executor: SqlExecutor, replayId: string): Promise<string[]> {
  const { rows } = await executor.query<{ endpointId: string }>({
    name: 'find-open-places',
    text: `select endpoint_id as "endpointId" from replay_endpoints
            where replay_id = $1 and finished_at is null order by endpoint_id`,
    values: [replayId],
  });
  return rows.map(({ endpointId }) => endpointId);
}

/** Locks the place until the transaction ends; null when somebody else has it, or it is finished. */
export async function lockPlace(
  transaction: SqlExecutor,
  replayId: string,
  endpointId: string,
): Promise<ReplayPlace | null> {
  const { rows } = await transaction.query<
    Omit<ReplayPlace, 'cursor'> & { cursorChangedAt: Date; cursorId: string }
  >({
    name: 'lock-replay-place',
    text: `
      select r.until, r.states, coalesce(p.cursor_changed_at, r.since) as "cursorChangedAt",
             -- Before every id: the first delivery of the span is looked at, too.
             coalesce(p.cursor_id, '') as "cursorId",
             e.deleted_at is not null as "isEndpointDeleted", e."window",
             own.on_their_way as "onTheirWay", own.under_way as "underWay"
        from replay_endpoints p
        join replays r on r.id = p.replay_id
        join webhook_endpoints e on e.id = p.endpoint_id
       cross join lateral (
         select count(*) filter (where d.state = 'queued'
                                    or d.state = 'waiting' and d.due_at <= clock_timestamp())::int as on_their_way,
                count(*)::int as under_way
           from (select state, due_at from deliveries
                  where endpoint_id = p.endpoint_id and counts_for_replay and state || '' in ('blocked', 'waiting', 'queued')
                  limit 500) d
       ) own
       where p.replay_id = $1 and p.endpoint_id = $2 and p.finished_at is null
         for update of p skip locked`,
    values: [replayId, endpointId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  const { cursorChangedAt, cursorId, ...place } = row;
  return { ...place, cursor: { changedAt: cursorChangedAt, deliveryId: cursorId } };
}

export interface LookedAt extends ReplayCursor {
  readonly orderId: string;
  /** In one of the replay's states. */
  readonly matches: boolean;
  /** Nothing of the span comes after it. */
  readonly isLast: boolean;
}

/**
 * What comes after the place's cursor, oldest change first: the first `limit` deliveries that match, and the last
 * one looked at, which may be another. Looks at no more than `maxLookedAt`.
 */
export async function lookOn(
  executor: SqlExecutor,
  endpointId: string,
  { cursor, until, states }: ReplayPlace,
  limit: number,
  maxLookedAt: number,
): Promise<LookedAt[]> {
  const { rows } = await executor.query<LookedAt>({
    name: 'look-on-for-replay',
    text: `
      with slice as (
        select id, order_id, changed_at, state = any ($5::text[]) as matches
          from deliveries
         where endpoint_id = $1 and (changed_at, id) > ($2::timestamptz, $3::char(24)) and changed_at < $4
         order by changed_at, id limit $7
      ), numbered as (
        select *, count(*) filter (where matches) over place as nth, row_number() over place as nr,
               count(*) over () as looked_at
          from slice window place as (order by changed_at, id)
      )
      select id as "deliveryId", order_id as "orderId", changed_at as "changedAt", matches,
             nr = looked_at and looked_at < $7 as "isLast"
        from numbered
       where (matches and nth <= $6) or (nr = looked_at and nth <= $6)
       order by changed_at, id`,
    values: [endpointId, cursor.changedAt, cursor.deliveryId, until, states, limit, maxLookedAt],
  });
  return rows;
}

export interface PlaceProgress {
  readonly cursor: ReplayCursor;
  readonly isFinished: boolean;
  readonly matched: number;
  readonly reopened: number;
}

/** Moves the place on, in the transaction that opened what lies behind it. */
export async function movePlace(
  transaction: SqlExecutor,
  replayId: string,
  endpointId: string,
  { cursor, isFinished, matched, reopened }: PlaceProgress,
): Promise<void> {
  await transaction.query({
    name: 'move-replay-place',
    text: `
      with moved as (
        update replay_endpoints
           set cursor_changed_at = $3, cursor_id = $4, finished_at = case when $5 then clock_timestamp() end
         where replay_id = $1 and endpoint_id = $2
      )
      update replays set matched = matched + $6, reopened = reopened + $7 where id = $1`,
    values: [replayId, endpointId, cursor.changedAt, cursor.deliveryId, isFinished, matched, reopened],
  });
}

/** Counts deliveries of a replay that have ended; how many. */
export async function countEnds(executor: SqlExecutor, replayId: string, limit: number): Promise<number> {
  const { rows } = await executor.query<{ counted: number }>({
    name: 'count-replay-ends',
    text: `
      with ended as (
        select d.id
          from replay_endpoints p
          join deliveries d on d.endpoint_id = p.endpoint_id and d.replay_id = p.replay_id
                           and d.counts_for_replay and d.finished_at is not null
         where p.replay_id = $1
         limit $2
           for update of d skip locked
      ), counted as (
        update deliveries d set counts_for_replay = false from ended where d.id = ended.id
        returning d.state
      ), written as (
        update replays
           set delivered = delivered + (select count(*) from counted where state = 'delivered'),
               failed = failed + (select count(*) from counted where state = 'failed')
         where id = $1 and exists (select 1 from counted)
      )
      select count(*)::int as counted from counted`,
    values: [replayId, limit],
  });
  return rows[0]?.counted ?? 0;
}

export interface ReplayStanding {
  readonly state: 'running' | 'reopened' | 'completed';
  /** Whether it was another one before. */
  readonly hasChanged: boolean;
  readonly customerServerId: string;
  readonly matched: number;
  readonly reopened: number;
  readonly delivered: number;
  readonly failed: number;
  /** Since it was asked for. */
  readonly durationMs: number;
}

/** Brings the replay's state up to date; null when it is gone. */
export async function settleReplay(executor: SqlExecutor, replayId: string): Promise<ReplayStanding | null> {
  const { rows } = await executor.query<ReplayStanding>({
    name: 'settle-replay',
    text: `
      with seen as (
        select r.id, r.state as before,
               case when exists (select 1 from replay_endpoints p
                                  where p.replay_id = r.id and p.finished_at is null) then 'running'
                    when exists (select 1 from replay_endpoints p
                                   join deliveries d on d.endpoint_id = p.endpoint_id
                                                    and d.replay_id = p.replay_id and d.counts_for_replay
                                  where p.replay_id = r.id) then 'reopened'
                    else 'completed' end as state
          from replays r where r.id = $1
      ), settled as (
        update replays r
           set state = seen.state,
               finished_at = case when seen.state = 'completed' then clock_timestamp() end
          from seen where r.id = seen.id and seen.state <> seen.before
      )
      select seen.state, seen.state <> seen.before as "hasChanged", r.customer_server_id as "customerServerId",
             r.matched, r.reopened, r.delivered, r.failed,
             (extract(epoch from clock_timestamp() - r.created_at) * 1000)::int8 as "durationMs"
        from seen join replays r on r.id = seen.id`,
    values: [replayId],
  });
  return rows[0] ?? null;
}
