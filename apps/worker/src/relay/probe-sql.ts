/**
 * The relay's statements for broken endpoints. A probe is a delivery that is `queued` although the window is 0; its
 * job is like any other, so a lost one is made again and a lost worker's claim is ended as usual.
 *
 * - *One at a time.* It is started under the endpoint's row lock, which whoever opens, closes or deletes the endpoint
 *   takes, too, unless one is under way; and each start puts the next one off.
 * - *The oldest due head first, then the next oldest*, in turns: one order that the endpoint cannot take does not
 *   keep the others from finding out that it is well again. The turn is kept in the endpoint's row and not in the
 *   delivery's due time, by which it is held and goes out.
 * - *Nobody waits.* What somebody else has in hand, an endpoint or a head, is left for the next tick.
 *
 * (`state || ''` as in platform's promote-sql.ts: found by id, whatever the statistics say.)
 */
import { PROBE_COOLDOWN } from '@vendor-server/domain/endpoints/decide-window.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type QueuedRow, toDeliveryJobData } from '@vendor-server/platform/deliveries/promote-sql.ts';
import type { DeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';

/** A place in a rotation: endpoints after it come next. */
export interface ProbeCursor {
  /** As text, because a Date would cut the microseconds a cursor needs. */
  readonly nextProbeAt: string;
  readonly endpointId: string;
}

/** Over `e`, which holds broken endpoints. No "exists": PostgreSQL may answer that for all of them at once. */
const DUE_HEAD = `select d.id from deliveries d
  where d.endpoint_id = e.id and d.state = 'waiting' and d.due_at <= clock_timestamp()`;
const IS_FREE = `(select d.id from deliveries d
  where d.endpoint_id = e.id and d.state = 'queued' and d.is_probe limit 1) is null`;

/** Broken endpoints whose cool-down is over, after the given one; those that have something to try are due. */
export async function findProbeDue(
  executor: SqlExecutor,
  after: ProbeCursor | null,
  limit: number,
): Promise<(ProbeCursor & { readonly isDue: boolean })[]> {
  const { rows } = await executor.query<ProbeCursor & { isDue: boolean }>({
    name: 'find-probe-due',
    text: `
      select e.id as "endpointId", e.next_probe_at::text as "nextProbeAt",
             (${DUE_HEAD} limit 1) is not null and ${IS_FREE} as "isDue"
        from (select id, next_probe_at from webhook_endpoints
               where "window" = 0 and deleted_at is null and state = 'active'
                 and next_probe_at <= clock_timestamp()
                 and ($1::timestamptz is null or (next_probe_at, id) > ($1, $2))
               order by next_probe_at, id limit $3) e
       order by e.next_probe_at, e.id`,
    values: [after?.nextProbeAt ?? null, after?.endpointId ?? null, limit],
  });
  return rows;
}

/** Starts a probe of each of these endpoints that may still be sent one, and puts off the next one by its cool-down. */
export async function startProbes(
  executor: SqlExecutor,
  endpointIds: readonly string[],
): Promise<DeliveryJobData[]> {
  const { rows } = await executor.query<QueuedRow>({
    name: 'start-probes',
    text: `
      with broken as (
        select id, probed_due_at, probed_id from webhook_endpoints
         where id = any ($1::char(24)[]) and "window" = 0 and deleted_at is null and state = 'active'
           and next_probe_at <= clock_timestamp()
         order by id for no key update skip locked
      ), head as (
        -- The one after the last, or the first again.
        select coalesce(
                 (${DUE_HEAD} and (d.due_at, d.id) > (e.probed_due_at, e.probed_id) order by d.due_at, d.id limit 1),
                 (${DUE_HEAD} order by d.due_at, d.id limit 1)) as id
          from broken e
         where ${IS_FREE}
      ), locked as (
        select d.id from deliveries d
         where d.id = any (array(select id from head)) and d.state || '' = 'waiting'
         order by d.id for no key update skip locked
      ), moved as (
        update deliveries d
           set state = 'queued', generation = d.generation + 1, is_probe = true, job_due_at = clock_timestamp()
         where d.id = any (array(select id from locked)) and d.state || '' = 'waiting'
        returning d.id, d.generation, d.order_id, d.order_version, d.transition_id, d.endpoint_id, d.due_at
      ), noted as (
        update webhook_endpoints e
           set probed_due_at = m.due_at, probed_id = m.id,
               next_probe_at = clock_timestamp()
                 + make_interval(secs => coalesce(e.probe_cooldown_ms, ${PROBE_COOLDOWN.firstMs}) / 1000.0
                     * (1 + ${PROBE_COOLDOWN.spread} * (2 * random() - 1)))
          from moved m where e.id = m.endpoint_id
      )
      select m.id as "deliveryId", m.generation, m.order_id as "orderId", m.order_version as version,
             t.to_status as status, e.url
        from moved m
        join order_transitions t on t.id = m.transition_id
        join webhook_endpoints e on e.id = m.endpoint_id`,
    values: [endpointIds],
  });
  return rows.map(toDeliveryJobData);
}
