/**
 * The statements that remove what is over, one batch each: of the next `limit` that ended at `fromAt` or later and are old
 * enough, those that may go and that nobody holds. Rows of this kind are passed by if they are locked, never waited for.
 *
 * What is looked at comes by the index of when it ended, in its order, and no more than `limit` of it, whatever is kept
 * among it, so that one plan does for any cutoff. None of the statements has a name: they run too seldom to be kept
 * prepared.
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { cutoff, type SweptBatch } from './swept-batch.ts';

/**
 * Whether an attempt of the delivery `d` is open. That of a claim is, and what is claimed has not ended: this is about what
 * should not exist.
 */
export const HAS_OPEN_ATTEMPT = (d: string) => `(
  select a.attempt_number from delivery_attempts a
   where a.delivery_id = ${d}.id and a.ended_at is null limit 1) is not null`;

/**
 * Finished deliveries, with their attempts; how each ended is kept in `pruned_deliveries`. What is never removed:
 *
 * - What is not final, or became final a while ago only, by a resend say: asked again on the row as it is when its lock is
 *   granted. Whoever opens one locks it first, so it is either passed by here, or gone there (reopen-sql.ts).
 * - What a replay still counts.
 * - Anything of a lane in which something is open, so that who looks why a lane stands sees all of it. Nothing depends on
 *   that: a lane goes by what is open of it. So what enters the lane at this very moment may be missed.
 *
 * (`state in …` and `finished_at is null` are asked of a lane by its index, and not of a row that is found by its id, as in
 * platform's promote-sql.ts: hence the `coalesce`.)
 */
export async function pruneDeliveries(
  executor: SqlExecutor,
  keepDays: number,
  fromAt: Date,
  limit: number,
): Promise<SweptBatch> {
  const { rows } = await executor.query<SweptRow & { attempts: number }>({
    text: `
      with looked as materialized (
        select id, endpoint_id, order_id, finished_at from deliveries
         where finished_at >= $2 and finished_at < ${cutoff('$1')}
         order by finished_at limit $3
      ), ended as (
        select d.id from deliveries d
         where d.id = any (array(
                 select l.id from looked l
                  where (select h.id from deliveries h where h.endpoint_id = l.endpoint_id
                            and h.order_id = l.order_id and h.state in ('waiting', 'queued') limit 1) is null
                    and (select b.id from deliveries b where b.endpoint_id = l.endpoint_id
                            and b.order_id = l.order_id and b.state = 'blocked' limit 1) is null
                    and not ${HAS_OPEN_ATTEMPT('l')}))
           and coalesce(d.finished_at, 'infinity') < ${cutoff('$1')} and not d.counts_for_replay
         order by d.id
           for update skip locked
      ), gone as (
        delete from deliveries where id = any (array(select id from ended))
        returning transition_id, endpoint_id, state, attempt_count
      ), pruned as (
        insert into pruned_deliveries (transition_id, endpoint_id, state)
        select transition_id, endpoint_id, state from gone
      )
      select (select count(*)::int from gone) as removed,
             (select coalesce(sum(attempt_count), 0)::int from gone) as attempts, ${LOOKED}`,
    values: [keepDays, fromAt, limit],
  });
  return toBatch(rows, limit, ({ removed, attempts }) => ({ delivery: removed, attempt: attempts }));
}

/** Declines of orders that are over; an open order is not offered again to who declined it, however long that takes. */
export async function removeDeclines(
  executor: SqlExecutor,
  keepDays: number,
  fromAt: Date,
  limit: number,
): Promise<SweptBatch> {
  const { rows } = await executor.query<SweptRow>({
    text: `
      with looked as materialized (
        select order_id, vendor_id, declined_at as finished_at from offer_declines
         where declined_at >= $2 and declined_at < ${cutoff('$1')}
         order by declined_at limit $3
      ), ended as (
        select n.order_id, n.vendor_id
          from looked l
          join offer_declines n on n.order_id = l.order_id and n.vendor_id = l.vendor_id
          join orders o on o.id = l.order_id
         where o.status || '' in ('completed', 'cancelled')
           for update of n skip locked
      ), gone as (
        delete from offer_declines n using ended e
         where n.order_id = e.order_id and n.vendor_id = e.vendor_id
        returning n.order_id
      )
      select (select count(*)::int from gone) as removed, ${LOOKED}`,
    values: [keepDays, fromAt, limit],
  });
  return toBatch(rows, limit, ({ removed }) => ({ offer_decline: removed }));
}

/**
 * Completed replays of which no delivery is left: each that a replay opened ended before it was completed, so they are
 * old enough first, and what the foreign key would have to let go of never has to be.
 */
export async function removeReplays(
  executor: SqlExecutor,
  keepDays: number,
  fromAt: Date,
  limit: number,
): Promise<SweptBatch> {
  const { rows } = await executor.query<SweptRow>({
    text: `
      with looked as materialized (
        select id, finished_at from replays
         where state = 'completed' and finished_at >= $2 and finished_at < ${cutoff('$1')}
         order by finished_at limit $3
      ), ended as (
        select r.id from looked l join replays r on r.id = l.id
         where (select d.id from deliveries d where d.replay_id = l.id limit 1) is null
         order by r.id
           for update of r skip locked
      ), gone as (
        delete from replays where id = any (array(select id from ended)) returning id
      )
      select (select count(*)::int from gone) as removed, ${LOOKED}`,
    values: [keepDays, fromAt, limit],
  });
  return toBatch(rows, limit, ({ removed }) => ({ replay: removed }));
}

/** Idempotency keys. A request that comes with one meanwhile waits for the end of this, and takes the key anew. */
export async function removeIdempotencyKeys(
  executor: SqlExecutor,
  keepDays: number,
  fromAt: Date,
  limit: number,
): Promise<SweptBatch> {
  const { rows } = await executor.query<SweptRow>({
    text: `
      with looked as materialized (
        select customer_server_id, key, created_at as finished_at from idempotency_keys
         where created_at >= $2 and created_at < ${cutoff('$1')}
         order by created_at limit $3
           for update skip locked
      ), gone as (
        delete from idempotency_keys k using looked l
         where k.customer_server_id = l.customer_server_id and k.key = l.key
        returning k.key
      )
      select (select count(*)::int from gone) as removed, ${LOOKED}`,
    values: [keepDays, fromAt, limit],
  });
  return toBatch(rows, limit, ({ removed }) => ({ idempotency_key: removed }));
}

const LOOKED = `(select count(*)::int from looked) as "lookedAt", (select max(finished_at) from looked) as "lastAt"`;

interface SweptRow {
  readonly removed: number;
  readonly lookedAt: number;
  readonly lastAt: Date | null;
}

function toBatch<Row extends SweptRow>(
  [row]: readonly Row[],
  limit: number,
  toRemoved: (row: Row) => SweptBatch['removed'],
): SweptBatch {
  if (row === undefined) throw new Error('a sweep returned no row');
  return { removed: toRemoved(row), lastAt: row.lastAt, isLast: row.lookedAt < limit };
}
