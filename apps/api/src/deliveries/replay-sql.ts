/** Replays are asked for and read here; a worker does them. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { ReopenableState } from '@vendor-server/platform/deliveries/reopen-sql.ts';

export interface NewReplay {
  readonly replayId: string;
  readonly since: Date;
  readonly until: Date;
  /** Null: every endpoint. */
  readonly endpointId: string | null;
  readonly states: readonly ReopenableState[];
}

/**
 * Writes a replay with its place at each endpoint it is about, unless the customer server has `maxUnderWay` already
 * (two that are asked for at the same moment do not see each other: it may become one more).
 *
 * @returns false when it has
 */
export async function writeReplayForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  { replayId, since, until, endpointId, states }: NewReplay,
  maxUnderWay: number,
): Promise<boolean> {
  const { rows } = await executor.query<{ written: boolean }>({
    name: 'write-replay',
    text: `
      with replay as (
        insert into replays (id, customer_server_id, since, until, endpoint_id, states)
        select $1, $2, $3, $4, $5, $6
         where (select count(*) from replays where customer_server_id = $2 and state <> 'completed') < $7
        returning id
      ), place as (
        insert into replay_endpoints (replay_id, endpoint_id)
        select r.id, e.id from replay r, webhook_endpoints e
         where e.customer_server_id = $2 and e.deleted_at is null and ($5::char(24) is null or e.id = $5)
      )
      select exists (select 1 from replay) as written`,
    values: [replayId, customerServerId, since, until, endpointId, states, maxUnderWay],
  });
  return rows[0]?.written ?? false;
}

/** Whether an endpoint is the customer server's, and whether it was deleted; null when it is not. */
export async function findEndpointOfCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  endpointId: string,
): Promise<{ readonly isDeleted: boolean } | null> {
  const { rows } = await executor.query<{ isDeleted: boolean }>({
    name: 'find-endpoint-for-replay',
    text: `select deleted_at is not null as "isDeleted" from webhook_endpoints
            where id = $1 and customer_server_id = $2`,
    values: [endpointId, customerServerId],
  });
  return rows[0] ?? null;
}

export async function existsCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
): Promise<boolean> {
  const { rows } = await executor.query<{ exists: boolean }>({
    name: 'exists-customer-server',
    text: 'select exists (select 1 from customer_servers where id = $1) as exists',
    values: [customerServerId],
  });
  return rows[0]?.exists ?? false;
}

export interface ReplayRow {
  replayId: string;
  customerServerId: string;
  state: 'running' | 'reopened' | 'completed';
  since: Date;
  until: Date;
  endpointId: string | null;
  states: ReopenableState[];
  matched: number;
  reopened: number;
  delivered: number;
  failed: number;
  createdAt: Date;
  finishedAt: Date | null;
}

export function findReplayForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  replayId: string,
): Promise<ReplayRow | null> {
  return findReplay(executor, replayId, customerServerId);
}

/** Any replay, whoever's it is: for operators. */
export function findAnyReplay(executor: SqlExecutor, replayId: string): Promise<ReplayRow | null> {
  return findReplay(executor, replayId, null);
}

/** What has ended and was not counted yet is added: there is never more of it than a replay may have under way. */
async function findReplay(
  executor: SqlExecutor,
  replayId: string,
  customerServerId: string | null,
): Promise<ReplayRow | null> {
  const { rows } = await executor.query<ReplayRow>({
    name: 'find-replay',
    text: `
      select r.id as "replayId", r.customer_server_id as "customerServerId", r.state, r.since, r.until,
             r.endpoint_id as "endpointId", r.states, r.matched, r.reopened,
             r.delivered + ended.delivered as delivered, r.failed + ended.failed as failed,
             r.created_at as "createdAt", r.finished_at as "finishedAt"
        from replays r
       cross join lateral (
         select count(*) filter (where d.state = 'delivered')::int as delivered,
                count(*) filter (where d.state = 'failed')::int as failed
           from replay_endpoints p
           join deliveries d on d.endpoint_id = p.endpoint_id and d.replay_id = p.replay_id
                            and d.counts_for_replay
          where p.replay_id = r.id) ended
       where r.id = $1 and ($2::char(24) is null or r.customer_server_id = $2)`,
    values: [replayId, customerServerId],
  });
  return rows[0] ?? null;
}
