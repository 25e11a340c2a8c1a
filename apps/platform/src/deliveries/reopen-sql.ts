/**
 * The statements of a re-opening, one function each, so that tests can step them on connections of their own.
 * (`state || ''` as in promote-sql.ts: found by id, whatever the statistics say.)
 */
import type { SqlExecutor } from '../database/sql-executor.ts';

/** What a resend opens again, and a replay as far as it was asked to. */
export const REOPENABLE_STATES = ['delivered', 'failed', 'superseded'] as const;
export type ReopenableState = (typeof REOPENABLE_STATES)[number];

/** Why a delivery was not opened again: the error code that says so. */
export type ReopenRefusal = 'delivery_not_finished' | 'endpoint_deleted' | 'personal_data_erased';

/** Who opens a delivery again. */
export type Reopening =
  | { readonly by: 'resend' }
  | { readonly by: 'replay'; readonly replayId: string; readonly states: readonly ReopenableState[] };

export interface ReopenedDelivery {
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly orderId: string;
  /** The state it has now; null when it was refused. */
  readonly state: 'blocked' | 'waiting' | null;
  readonly refusal: ReopenRefusal | null;
}

/**
 * Takes the row locks of these orders, in the order of their ids, until the end of the transaction: the lock a
 * status change and an erasure of personal data take.
 *
 * @param whenBusy `wait` for whoever holds one, or `skip` that order
 * @returns the ids of those that were locked
 */
export async function lockOrders(
  executor: SqlExecutor,
  orderIds: readonly string[],
  whenBusy: 'wait' | 'skip',
): Promise<string[]> {
  const { rows } = await executor.query<{ id: string }>({
    name: `lock-orders-${whenBusy}`,
    text: `select id from orders where id = any ($1::char(24)[]) order by id
              for no key update ${whenBusy === 'skip' ? 'skip locked' : ''}`,
    values: [orderIds],
  });
  return rows.map(({ id }) => id);
}

/**
 * Opens finished deliveries again. The locks of their orders must have been taken in an *earlier* statement of
 * this transaction (see reopen.ts).
 *
 * A delivery whose end is still to be counted for the replay that opened it before is counted here: its end is
 * about to be gone.
 *
 * @returns one for each that exists and, for a replay, is in one of its states
 */
export async function reopenDeliveries(
  executor: SqlExecutor,
  deliveryIds: readonly string[],
  reopening: Reopening,
): Promise<ReopenedDelivery[]> {
  const isReplay = reopening.by === 'replay';
  const { rows } = await executor.query<ReopenedDelivery>({
    name: 'reopen-deliveries',
    text: `
      with finished as (
        -- Only these: to lock what is open would make its record or promotion wait.
        select d.id, d.state, d.replay_id, d.counts_for_replay
          from deliveries d
         where d.id = any ($1::char(24)[]) and d.state in ('delivered', 'failed', 'superseded')
         order by d.id
           for update
      ), asked as (
        select d.id, d.endpoint_id, d.order_id, d.order_version,
               case when d.state in ('blocked', 'waiting', 'queued') then 'delivery_not_finished'
                    when d.state = 'cancelled' or e.deleted_at is not null then 'endpoint_deleted'
                    when o.personal_data_erased_at is not null then 'personal_data_erased' end as refusal
          from deliveries d
          join orders o on o.id = d.order_id
          join webhook_endpoints e on e.id = d.endpoint_id
         where d.id = any ($1::char(24)[]) and ($4::text[] is null or d.state || '' = any ($4))
      ), placed as (
        select a.id,
               case when row_number() over (partition by a.endpoint_id, a.order_id order by a.order_version) > 1
                      or exists (select 1 from deliveries h
                                  where h.endpoint_id = a.endpoint_id and h.order_id = a.order_id
                                    and h.state in ('waiting', 'queued'))
                      or exists (select 1 from deliveries b
                                  where b.endpoint_id = a.endpoint_id and b.order_id = a.order_id
                                    and b.state = 'blocked')
                    then 'blocked' else 'waiting' end as state
          from asked a join finished f on f.id = a.id where a.refusal is null
      ), reopened as (
        update deliveries d
           set state = p.state, due_at = clock_timestamp(), finished_at = null, budget_used = 0,
               interrupted_count = 0, is_probe = false, use_other_secret = false, opened_by = $2,
               opened_at = clock_timestamp(), replay_id = $3, counts_for_replay = $3::char(24) is not null
          from placed p
         where d.id = p.id
        returning d.id, d.state
      ), counted as (
        update replays r
           set delivered = r.delivered + ended.delivered, failed = r.failed + ended.failed
          from (select f.replay_id, count(*) filter (where f.state = 'delivered')::int as delivered,
                       count(*) filter (where f.state = 'failed')::int as failed
                  from finished f join reopened x on x.id = f.id
                 where f.counts_for_replay group by f.replay_id) ended
         where r.id = ended.replay_id
      )
      select a.id as "deliveryId", a.endpoint_id as "endpointId", a.order_id as "orderId", x.state, a.refusal
        from asked a left join reopened x on x.id = a.id
       -- Neither: its retention ended while this statement began.
       where a.refusal is not null or x.id is not null`,
    values: [
      deliveryIds,
      reopening.by,
      isReplay ? reopening.replayId : null,
      isReplay ? reopening.states : null,
    ],
  });
  return rows;
}
