/**
 * What must hold of every lane, whatever happened at the same time. Tests run these over a whole database; each
 * gives what breaks the rule, so that a failing test shows it.
 */
import type { SqlExecutor } from '../database/sql-executor.ts';

export interface BrokenLane {
  readonly orderId: string;
  readonly versions: readonly number[];
}

/**
 * Lanes that nobody will move: blocked behind nothing, or a due head of an active endpoint that has room.
 * True of a database at rest, when everybody who committed has looked.
 */
export async function findStrandedLanes(executor: SqlExecutor): Promise<BrokenLane[]> {
  const { rows } = await executor.query<BrokenLane>(`
    select d.order_id as "orderId", array_agg(d.order_version order by d.order_version) as versions
      from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
     where d.state = 'blocked'
       and not exists (select 1 from deliveries h where h.endpoint_id = d.endpoint_id
                        and h.order_id = d.order_id and h.state in ('waiting', 'queued'))
        or d.state = 'waiting' and d.due_at <= clock_timestamp() and e.state = 'active'
       and e."window" > (select count(*) from deliveries q where q.endpoint_id = e.id and q.state = 'queued')
     group by d.endpoint_id, d.order_id order by 1`);
  return rows;
}

/** Lanes with more than one delivery on its way. */
export async function findLanesWithTwoHeads(executor: SqlExecutor): Promise<BrokenLane[]> {
  const { rows } = await executor.query<BrokenLane>(`
    select order_id as "orderId", array_agg(order_version order by order_version) as versions
      from deliveries where state in ('waiting', 'queued')
     group by endpoint_id, order_id having count(*) > 1 order by 1`);
  return rows;
}

/**
 * Lanes in which a version went ahead while an earlier one was still open, or was sent before its end. Not looked
 * at are earlier ones that were opened again: those have ended once, and later ones did not wait for a second time.
 */
export async function findOvertakenLanes(executor: SqlExecutor): Promise<BrokenLane[]> {
  const { rows } = await executor.query<BrokenLane>(`
    select early.order_id as "orderId", array[early.order_version, late.order_version] as versions
      from deliveries early
      join deliveries late on late.endpoint_id = early.endpoint_id and late.order_id = early.order_id
                          and late.order_version > early.order_version
     where early.opened_by = 'change'
       and ((early.finished_at is null and late.state <> 'blocked')
         or exists (select 1 from delivery_attempts a
                     where a.delivery_id = late.id and a.started_at < early.finished_at))
     order by 1, 2`);
  return rows;
}

/**
 * Lanes in which something is still to be sent, and nobody is sending it, although a later change was made to replace
 * it. Not looked at is what was opened again: nothing that was there before replaces it.
 */
export async function findUnreplacedLanes(executor: SqlExecutor): Promise<BrokenLane[]> {
  const { rows } = await executor.query<BrokenLane>(`
    select early.order_id as "orderId", array[early.order_version, late.order_version] as versions
      from deliveries early
      join deliveries late on late.endpoint_id = early.endpoint_id and late.order_id = early.order_id
                          and late.order_version > early.order_version and late.replaces_older
     where early.opened_by = 'change' and early.finished_at is null and early.claim_token is null
     order by 1, 2`);
  return rows;
}

/** Lanes whose newest delivery was superseded, as only an older one may be. */
export async function findLanesWithoutNewest(executor: SqlExecutor): Promise<BrokenLane[]> {
  const { rows } = await executor.query<BrokenLane>(`
    select d.order_id as "orderId", array[d.order_version] as versions
      from deliveries d
     where d.state = 'superseded' and d.opened_by = 'change'
       and not exists (select 1 from deliveries n where n.endpoint_id = d.endpoint_id and n.order_id = d.order_id
                        and n.order_version > d.order_version)
     order by 1`);
  return rows;
}

/** Endpoints with more in the queue than their window allows, but for a broken one's probe. */
export async function findOverfilledEndpoints(
  executor: SqlExecutor,
): Promise<{ endpointId: string; queued: number }[]> {
  const { rows } = await executor.query<{ endpointId: string; queued: number }>(`
    select e.id as "endpointId", count(*)::int as queued
      from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
     where d.state = 'queued' and not d.is_probe group by e.id having count(*) > e."window" order by 1`);
  return rows;
}
