/**
 * Reads an order's story in one statement, and so as of one moment: a delivery that is pruned meanwhile is
 * neither missed nor shown twice.
 *
 * Whoever removes a finished delivery leaves a row in `pruned_deliveries` in the same statement: its transition,
 * its endpoint, the state it ended in, and (by default) the time. The attempts go with the delivery.
 */
import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { DeliveryState, OpenDeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { ActorType } from '@vendor-server/domain/orders/actor.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { AttemptTrigger } from '../deliveries/attempts-sql.ts';
import { BLOCKED_BY, NEXT_ATTEMPT_AT } from '../deliveries/delivery-row-sql.ts';

/** Resends add attempts without end: of more than this per delivery the newest are shown. */
export const MAX_ATTEMPTS_IN_TIMELINE = 20;
/** An order has about ten changes; only a partner that reports back and forth without end makes more than this. */
export const MAX_CHANGES_IN_TIMELINE = 500;

/** A change and one of its deliveries and one of its attempts, as far as there are any. */
export type TimelineRow = ChangeColumns & (DeliveryColumns | PrunedColumns | NoDeliveryColumns);

interface ChangeColumns {
  readonly version: number;
  readonly from: OrderStatus | null;
  readonly to: OrderStatus;
  readonly actorType: ActorType;
  readonly actorId: string | null;
  readonly reason: string | null;
  readonly changedAt: Date;
}

interface DeliveryColumns extends AttemptColumns {
  readonly kind: 'delivery';
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly url: string;
  readonly state: DeliveryState;
  readonly attemptCount: number;
  readonly lastError: string | null;
  readonly nextAttemptAt: Date | null;
  readonly blockedBy: string | null;
}

interface PrunedColumns {
  readonly kind: 'pruned';
  readonly endpointId: string;
  readonly url: string;
  readonly state: Exclude<DeliveryState, OpenDeliveryState>;
  readonly prunedAt: Date;
}

interface NoDeliveryColumns {
  readonly kind: null;
}

/** All null when the delivery has no attempt yet. */
interface AttemptColumns {
  readonly attemptNumber: number | null;
  readonly trigger: AttemptTrigger;
  readonly startedAt: Date;
  readonly durationMs: number | null;
  readonly outcome: AttemptOutcome | null;
  readonly attemptReason: AttemptReason | null;
  readonly responseStatus: number | null;
  readonly error: string | null;
}

/** One customer server's order; no rows when it does not exist or is another's. */
export async function readTimelineForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  orderId: string,
): Promise<TimelineRow[]> {
  const { rows } = await executor.query<TimelineRow>({
    name: 'read-timeline-for-customer-server',
    text: buildText('customer_server_id = $2'),
    values: [orderId, customerServerId],
  });
  return rows;
}

/** Any order, whoever it belongs to: for operators. No rows when it does not exist. */
export async function readAnyTimeline(executor: SqlExecutor, orderId: string): Promise<TimelineRow[]> {
  const { rows } = await executor.query<TimelineRow>({
    name: 'read-any-timeline',
    text: buildText('true'),
    values: [orderId],
  });
  return rows;
}

/** Rows by version, then endpoint, then attempt. */
function buildText(scope: string): string {
  return `
    select t.version, t.from_status as "from", t.to_status as "to", t.actor_type as "actorType",
           t.actor_id as "actorId", t.reason, t.changed_at as "changedAt",
           d.kind, d.id as "deliveryId", d.endpoint_id as "endpointId", e.url, d.state,
           d.attempt_count as "attemptCount", d.last_error as "lastError", d.next_attempt_at as "nextAttemptAt", d.blocked_by as "blockedBy",
           d.pruned_at as "prunedAt",
           a.attempt_number as "attemptNumber", a.trigger, a.started_at as "startedAt",
           a.duration_ms as "durationMs", a.outcome, a.reason as "attemptReason", a.response_status as "responseStatus", a.error
      from (select * from order_transitions
             where order_id = $1 and ${scope} order by version desc limit ${MAX_CHANGES_IN_TIMELINE}) t
      left join lateral (
        select 'delivery' as kind, d.id, d.endpoint_id, d.state, d.attempt_count, d.last_error,
               ${NEXT_ATTEMPT_AT} as next_attempt_at, ${BLOCKED_BY} as blocked_by,
               null::timestamptz as pruned_at
          from deliveries d where d.order_id = $1 and d.order_version = t.version
         union all
        select 'pruned', null, p.endpoint_id, p.state, null, null, null, null, p.pruned_at
          from pruned_deliveries p where p.transition_id = t.id
      ) d on true
      left join webhook_endpoints e on e.id = d.endpoint_id
      left join lateral (
        select * from delivery_attempts a where a.delivery_id = d.id
         order by a.attempt_number desc limit ${MAX_ATTEMPTS_IN_TIMELINE}
      ) a on true
     order by t.version, d.endpoint_id, a.attempt_number`;
}
