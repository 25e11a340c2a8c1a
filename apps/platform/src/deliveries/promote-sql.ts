/**
 * The statements of `promote`, one function each, so that tests can step them on connections of their own.
 *
 * Rows that are found by their id are asked for `state || ''`: no partial index fits that, so the primary key is what
 * is left. Asked for `state`, PostgreSQL goes by statistics of a quiet time, or by a sample of a long history that
 * holds nothing open, takes the index of what waits for empty, and walks the whole backlog for one row.
 */
import type { SqlExecutor } from '../database/sql-executor.ts';
import type { DeliveryJobData } from '../queue/delivery-job.ts';
import { IS_OPEN_UNCLAIMED, IS_REPLACED, SET_SUPERSEDED } from './supersede-sql.ts';

/** What one endpoint is told about one order: at most one of its deliveries is on its way at a time. */
export interface Lane {
  readonly endpointId: string;
  readonly orderId: string;
}

/** An endpoint to look at, and the lanes of it to look at besides its heads. */
export interface Look {
  readonly endpointId: string;
  readonly orderIds: readonly string[];
}

/** What of an endpoint can move, as a look found it. */
export interface Movable {
  readonly endpointId: string;
  /** The lanes whose next can move. Its due heads may move after them, and without any. */
  readonly orderIds: readonly string[];
  /** Nothing of it moves any more; what is left of it is to be cancelled. */
  readonly isDeleted: boolean;
}

/**
 * The endpoints $1 and the orders $2, in pairs. Selected, here and below: so PostgreSQL does not see how many there are,
 * and has one plan for any number. Otherwise it makes a plan for each call, which costs several times the call.
 */
const LANES = 'unnest((select $1::char(24)[]), (select $2::char(24)[])) lane (endpoint_id, order_id)';

/**
 * Those of the lanes in which nothing is a head that stays. No "not exists":
 * PostgreSQL may answer that of all lanes at once, from every head the endpoints have.
 *
 * @param stays about a head `d`
 */
const lanesWithout = (stays: string) => `${LANES}
  where (select d.id from deliveries d
          where d.endpoint_id = lane.endpoint_id and d.order_id = lane.order_id and d.state in ('waiting', 'queued')
            and ${stays} limit 1) is null`;

/** Looks and lanes as the two arrays of pairs that the statements take. */
function toLanes(looks: readonly Look[]): [endpointIds: string[], orderIds: string[]] {
  return [
    looks.flatMap(({ endpointId, orderIds }) => orderIds.map(() => endpointId)),
    looks.flatMap(({ orderIds }) => orderIds),
  ];
}

/**
 * The endpoints, of these, in which anything can move: the next of one of the lanes, also where it replaces a head that
 * nobody sends; a due head while there is room; or what is left of a deleted endpoint. Takes no lock.
 *
 * @param looks of different endpoints
 */
export async function findMovable(executor: SqlExecutor, looks: readonly Look[]): Promise<Movable[]> {
  const { rows } = await executor.query<{
    endpointId: string;
    orderId: string | null;
    isDeleted: boolean;
  }>({
    name: 'find-movable',
    text: `
      select lane.endpoint_id as "endpointId", lane.order_id as "orderId", false as "isDeleted"
        from ${lanesWithout(`not (d.claim_token is null and ${IS_REPLACED})`)}
         and (select id from deliveries
               where endpoint_id = lane.endpoint_id and order_id = lane.order_id and state = 'blocked'
               limit 1) is not null
      union all
      select looked.id, null, e.deleted_at is not null
        from unnest((select $3::char(24)[])) looked (id) join webhook_endpoints e on e.id = looked.id
       -- By looked.id, not e.id: else PostgreSQL may ask it of every endpoint there is, before the join.
       where case when e.deleted_at is not null
                  then (select id from deliveries where endpoint_id = looked.id and state = 'waiting'
                         order by due_at, id limit 1) is not null
                    or (select id from deliveries where endpoint_id = looked.id and state = 'blocked'
                         order by order_id, order_version limit 1) is not null
                  else e.state = 'active'
                   and (select due_at from deliveries where endpoint_id = looked.id and state = 'waiting'
                         order by due_at, id limit 1) <= clock_timestamp()
                   and e."window" > (select count(*) from (select 1 from deliveries
                                      where endpoint_id = looked.id and state = 'queued' limit 64) queued) end`,
    values: [...toLanes(looks), looks.map(({ endpointId }) => endpointId)],
  });
  const found = new Map<string, { endpointId: string; orderIds: string[]; isDeleted: boolean }>();
  for (const { endpointId, orderId, isDeleted } of rows) {
    const movable = found.get(endpointId) ?? { endpointId, orderIds: [], isDeleted: false };
    found.set(endpointId, movable);
    if (orderId !== null) movable.orderIds.push(orderId);
    movable.isDeleted ||= isDeleted;
  }
  return [...found.values()];
}

/** The low 60 bits of an id, which hold its random part: two endpoints that collide only wait for each other. */
const lockKeyOf = (id: string) => `('x' || right(${id}, 15))::bit(60)::bigint`;

/** Serialises whoever decides what an endpoint sends next, until the end of the transaction. */
export async function lockEndpoint(executor: SqlExecutor, endpointId: string): Promise<void> {
  await executor.query({
    name: 'lock-endpoint',
    text: `select pg_advisory_xact_lock(${lockKeyOf('$1::text')})`,
    values: [endpointId],
  });
}

/**
 * The same for as many of these as nobody holds; never waits.
 *
 * @returns the ids of those that were locked
 */
export async function lockFreeEndpoints(
  executor: SqlExecutor,
  endpointIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await executor.query<{ id: string }>({
    name: 'lock-free-endpoints',
    // All in one order, so that of two with the same endpoints one gets all of them.
    text: `select id from (select id from unnest($1::text[]) endpoint (id) order by id offset 0) ordered
            where pg_try_advisory_xact_lock(${lockKeyOf('id')})`,
    values: [endpointIds],
  });
  return new Set(rows.map(({ id }) => id));
}

export interface LaneMoves {
  /** How many lanes got another head. */
  readonly moved: number;
  /** How many deliveries ended because a newer change replaces them. */
  readonly superseded: number;
}

/**
 * Makes each lane's blocked delivery of the lowest version its head, where the lane has none. What newer changes
 * replace ends before, a head that nobody sends included.
 */
export async function moveLanesNext(executor: SqlExecutor, looks: readonly Look[]): Promise<LaneMoves> {
  const { rows } = await executor.query<LaneMoves>({
    name: 'move-lanes-next',
    text: `
      with open as (
        select d.id
          from ${LANES}
         cross join lateral (
           select id from deliveries
            where endpoint_id = lane.endpoint_id and order_id = lane.order_id and state in ('waiting', 'queued')
           union all
           select id from deliveries
            where endpoint_id = lane.endpoint_id and order_id = lane.order_id and state = 'blocked') d
         where (select id from deliveries
                 where endpoint_id = lane.endpoint_id and order_id = lane.order_id and state = 'blocked' and replaces_older
                 limit 1) is not null
      ), superseded as (
        update deliveries d set ${SET_SUPERSEDED}
         where exists (select 1 from open)
           and d.id = any (array(select id from open)) and ${IS_OPEN_UNCLAIMED} and ${IS_REPLACED}
        returning d.id
      ), moved as (
        update deliveries set state = 'waiting', due_at = clock_timestamp()
         where id = any (array(
                 select (select d.id from deliveries d
                          where d.endpoint_id = lane.endpoint_id and d.order_id = lane.order_id and d.state = 'blocked'
                            and not ${IS_REPLACED}
                          order by d.order_version limit 1)
                   -- An array reads that update to its end: the places in the lanes' index are free then.
                   from ${lanesWithout('d.id <> all (array(select id from superseded))')}))
           and state || '' = 'blocked'
        returning id
      )
      select (select count(*)::int from moved) as moved, (select count(*)::int from superseded) as superseded`,
    values: toLanes(looks),
  });
  return rows[0] ?? { moved: 0, superseded: 0 };
}

/** Moves as many of each endpoint's oldest due heads to `queued` as its window has room for. */
export async function moveDueHeads(
  executor: SqlExecutor,
  endpointIds: readonly string[],
): Promise<DeliveryJobData[]> {
  const { rows } = await executor.query<QueuedRow>({
    name: 'move-due-heads',
    text: `
      with due as (
        select head.id
          from unnest((select $1::char(24)[])) looked (id)
          join webhook_endpoints e on e.id = looked.id and e.state = 'active' and e.deleted_at is null
         cross join lateral (select greatest(e."window" - count(*), 0) as free from deliveries
                              where endpoint_id = looked.id and state = 'queued') room
         cross join lateral (select id from deliveries
                              -- One time for all, selected: an index can be asked for what is due by then.
                              where endpoint_id = looked.id and state = 'waiting'
                                and due_at <= (select clock_timestamp())
                              order by due_at, id limit room.free) head
      ), moved as (
        update deliveries d
           set state = 'queued', generation = d.generation + 1, job_due_at = clock_timestamp()
         where d.id = any (array(select id from due)) and d.state || '' = 'waiting'
        returning d.id, d.generation, d.order_id, d.order_version, d.transition_id, d.endpoint_id, d.due_at
      )
      select m.id as "deliveryId", m.generation, m.order_id as "orderId", m.order_version as version,
             t.to_status as status, e.url
        from moved m
        join order_transitions t on t.id = m.transition_id
        join webhook_endpoints e on e.id = m.endpoint_id
       order by m.due_at, m.id`,
    values: [endpointIds],
  });
  return rows.map(toDeliveryJobData);
}

/** Ends what still waits for an endpoint that was deleted, a bounded number at a time. */
export async function cancelForDeletedEndpoint(executor: SqlExecutor, endpointId: string): Promise<number> {
  const { rowCount } = await executor.query({
    name: 'cancel-for-deleted-endpoint',
    text: `
      update deliveries set state = 'cancelled', finished_at = clock_timestamp(), last_error = 'endpoint_deleted'
       -- One part per partial index, in its order: "state in (…)" matches neither, and without an order a limit
       -- tempts the planner to walk the whole history.
       where id = any (array(select id from ((select id from deliveries where endpoint_id = $1 and state = 'waiting'
                            order by due_at, id limit 500)
                          union all (select id from deliveries where endpoint_id = $1 and state = 'blocked'
                            order by order_id, order_version limit 500)
                    ) open limit 1000))
         and state || '' in ('waiting', 'blocked')
         and exists (select 1 from webhook_endpoints e where e.id = $1 and e.deleted_at is not null)`,
    values: [endpointId],
  });
  return rowCount ?? 0;
}

export interface QueuedRow {
  deliveryId: string;
  generation: number;
  orderId: string;
  version: number;
  status: string;
  url: string;
}

/** Job data from a row; of the endpoint's URL only the host, because paths may carry secrets. */
export function toDeliveryJobData(row: QueuedRow): DeliveryJobData {
  return {
    deliveryId: row.deliveryId,
    generation: row.generation,
    orderId: row.orderId,
    version: row.version,
    status: row.status,
    endpointHost: URL.canParse(row.url) ? new URL(row.url).host : '',
  };
}
