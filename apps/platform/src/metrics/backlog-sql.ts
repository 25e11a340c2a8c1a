/**
 * How much is to be delivered, and since when, at a cost that does not follow the backlog:
 *
 * - Counting a million rows is a scan of a million rows. So each state is counted up to a limit, in the order of
 *   its partial index: an index-only scan that stops there.
 * - The oldest of each endpoint is the first entry of its part of an index, and the parts are stepped through
 *   from endpoint to endpoint: one probe for each endpoint that has anything open. Of what is `queued` an endpoint
 *   has at most about a window.
 * - The planner goes by statistics of a minute or an hour ago, when the backlog was small: then it collects all of it
 *   and sorts. So it is told not to, for the time of this read.
 */
import type pg from 'pg';
import { type SqlExecutor, withTransaction } from '../database/sql-executor.ts';

/** A state is counted up to here; the gauge then says "this many or more". */
export const MAX_COUNTED = 10_000;
/** Far above what a system has endpoints with work; it bounds a read whatever happens. */
const MAX_ENDPOINTS = 10_000;

export interface Backlog {
  /** Open deliveries, each at most MAX_COUNTED. */
  readonly blocked: number;
  readonly waiting: number;
  readonly queued: number;
  /** Age in seconds of the oldest that is not delivered, counted from its change or re-opening; 0: there is none. */
  readonly oldestOpenSeconds: number;
  /** The same where the endpoint is paused, broken or disabled. */
  readonly oldestHeldSeconds: number;
  /** For how long the one that waits longest has been due at an open endpoint without being attempted. */
  readonly oldestDueSeconds: number;
}

export function readBacklog(pool: pg.Pool): Promise<Backlog> {
  return withTransaction(pool, async (client) => {
    await keepToIndexOrder(client);
    return selectBacklog(client);
  });
}

/** Until the end of the transaction. */
export async function keepToIndexOrder(executor: SqlExecutor): Promise<void> {
  await executor.query(
    'set local enable_bitmapscan = off; set local enable_seqscan = off; set local enable_sort = off',
  );
}

export async function selectBacklog(executor: SqlExecutor): Promise<Backlog> {
  const { rows } = await executor.query<Backlog>({
    name: 'read-backlog',
    text: `
      with recursive step(endpoint_id, opened_at, n) as (
        (select endpoint_id, opened_at, 1 from deliveries where finished_at is null
          order by endpoint_id, opened_at limit 1)
        union all
        select next.endpoint_id, next.opened_at, n + 1
          from step, lateral (select d.endpoint_id, d.opened_at from deliveries d
                               where d.finished_at is null and d.endpoint_id > step.endpoint_id
                               order by d.endpoint_id, d.opened_at limit 1) next
         where n < ${MAX_ENDPOINTS}
      ), oldest as (
        select step.endpoint_id, step.opened_at, e.state = 'active' and e."window" > 0 as is_open
          from step join webhook_endpoints e on e.id = step.endpoint_id
      ), due as (
        select least(
                 (select d.due_at from deliveries d where d.endpoint_id = o.endpoint_id and d.state = 'waiting'
                   order by d.due_at, d.id limit 1),
                 (select min(d.due_at) from deliveries d where d.endpoint_id = o.endpoint_id and d.state = 'queued'
                     and d.claim_token is null)) as due_at
          from oldest o where o.is_open
      )
      select ${count('blocked', 'endpoint_id, order_id, order_version')},
             ${count('waiting', 'endpoint_id, due_at, id')},
             ${count('queued', 'endpoint_id')},
             ${ageSeconds('(select min(opened_at) from oldest where is_open)')} as "oldestOpenSeconds",
             ${ageSeconds('(select min(opened_at) from oldest where not is_open)')} as "oldestHeldSeconds",
             ${ageSeconds('(select min(due_at) from due)')} as "oldestDueSeconds"`,
  });
  const [backlog] = rows;
  if (backlog === undefined) throw new Error('reading the backlog returned no row');
  return backlog;
}

function count(state: 'blocked' | 'waiting' | 'queued', indexOrder: string): string {
  return `(select count(*) from (select 1 from deliveries where state = '${state}'
            order by ${indexOrder} limit ${MAX_COUNTED}) counted) as ${state}`;
}

/** 0 for what lies in the future, and for null. */
function ageSeconds(time: string): string {
  return `coalesce(greatest(extract(epoch from clock_timestamp() - ${time}), 0), 0)::float8`;
}
