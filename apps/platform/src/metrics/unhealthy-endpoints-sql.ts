/**
 * The endpoints that are not healthy, at a cost that does not follow the number of healthy ones: each kind is read from
 * the partial index made for it, until `MAX_ENDPOINTS_COUNTED` of the kind are found. What is in that index and of another
 * kind (disabled endpoints are broken as well, and broken ones fail) is passed over, not counted: else 10 000 of
 * one kind would hide another.
 *
 * Of each kind at most `MAX_NAMED` are named: every one is a time series or two of each process that is scraped. Beyond
 * it, it is the ones created last, and so the same at each read: none comes and goes with its neighbours' luck. A long
 * list of one kind hides none of another.
 */
import {
  type EndpointHealthState,
  STRUGGLING_AFTER_FAILURES,
} from '@vendor-server/domain/endpoints/endpoint-health.ts';
import type pg from 'pg';
import { type SqlExecutor, withTransaction } from '../database/sql-executor.ts';
import { keepToIndexOrder } from './backlog-sql.ts';

export const MAX_NAMED = 100;
/** Of each kind so many are counted; the gauge then says "this many or more". */
export const MAX_ENDPOINTS_COUNTED = 10_000;

export type UnhealthyState = Exclude<EndpointHealthState, 'healthy'>;

export interface UnhealthyEndpoint {
  readonly endpointId: string;
  readonly customerServerId: string;
  readonly customerServerName: string;
  readonly state: UnhealthyState;
  /** Why it is paused or disabled, as a sentence. */
  readonly stateReason: string | null;
  /** What its last failed attempt came to, e.g. "rejected 503". */
  readonly lastFailureReason: string | null;
  /** When it became so; of one that is struggling, when the first attempt of those in a row failed. */
  readonly since: Date;
  /** When a broken one is tried next; null for the others. */
  readonly nextProbeAt: Date | null;
  /** How many are in this state, at most `MAX_ENDPOINTS_COUNTED`. */
  readonly ofState: number;
}

/** By state, the ones created last first. */
export function readUnhealthyEndpoints(pool: pg.Pool): Promise<UnhealthyEndpoint[]> {
  return withTransaction(pool, async (client) => {
    await keepToIndexOrder(client);
    return selectUnhealthyEndpoints(client);
  });
}

/** `decideHealthState` in SQL: a wish comes before a finding. */
export async function selectUnhealthyEndpoints(executor: SqlExecutor): Promise<UnhealthyEndpoint[]> {
  const { rows } = await executor.query<UnhealthyEndpoint>({
    name: 'read-unhealthy-endpoints',
    text: `
      with paused as (
        ${selectClosed('paused')}
      ), disabled as (
        ${selectClosed('disabled')}
      ), broken as (
        select ${COLUMNS}, 'broken' as health,
               coalesce(broken_since, failing_since, window_changed_at) as since, next_probe_at as probe_at
          from webhook_endpoints where "window" = 0 and deleted_at is null and state = 'active'
         order by next_probe_at limit ${MAX_ENDPOINTS_COUNTED}
      ), failing as (
        select ${COLUMNS}, 'struggling' as health, failing_since as since, null::timestamptz as probe_at
          from webhook_endpoints
         where failing_since is not null and deleted_at is null and state = 'active' and "window" > 0
           and consecutive_failures >= ${STRUGGLING_AFTER_FAILURES}
         order by created_at desc, id desc limit ${MAX_ENDPOINTS_COUNTED}
      ), unhealthy as (
        select * from paused
        union all
        select * from disabled
        union all
        select * from broken
        union all
        select * from failing
      ), numbered as (
        select u.*, count(*) over (partition by health) as of_state,
               row_number() over (partition by health order by created_at desc, id desc) as number
          from unhealthy u
      )
      select n.id as "endpointId", n.customer_server_id as "customerServerId", s.name as "customerServerName",
             n.health as state, n.state_reason as "stateReason", n.last_failure_reason as "lastFailureReason",
             n.since, n.probe_at as "nextProbeAt", n.of_state as "ofState"
        from numbered n join customer_servers s on s.id = n.customer_server_id
       where n.number <= ${MAX_NAMED}
       order by n.health, n.number`,
  });
  return rows;
}

function selectClosed(state: 'paused' | 'disabled'): string {
  return `select ${COLUMNS}, state as health, state_changed_at as since, null::timestamptz as probe_at
          from webhook_endpoints where state = '${state}' and deleted_at is null
         order by created_at desc, id desc limit ${MAX_ENDPOINTS_COUNTED}`;
}

const COLUMNS = `id, customer_server_id, state_reason, last_failure_reason, created_at`;
