/** Reads a delivery with what its readers need of its change and its endpoint, in one statement. */
import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** A row as `DELIVERY_COLUMNS` selects it. */
export interface DeliveryRow {
  deliveryId: string;
  customerServerId: string;
  orderId: string;
  version: number;
  /** The order's, after the change. */
  status: OrderStatus;
  endpointId: string;
  /** The endpoint's present one. */
  url: string;
  state: DeliveryState;
  changedAt: Date;
  openedBy: 'change' | 'resend' | 'replay';
  openedAt: Date;
  replayId: string | null;
  attemptCount: number;
  /** Null unless `waiting` or `queued`. */
  nextAttemptAt: Date | null;
  /** The lane's head; null unless `blocked`, and for the moment in which a lane has none. */
  blockedBy: string | null;
  lastOutcome: AttemptOutcome | null;
  lastResponseStatus: number | null;
  lastError: string | null;
  finishedAt: Date | null;
}

/** Of `deliveries d`: when its next attempt is due; null when it has ended or is blocked. */
export const NEXT_ATTEMPT_AT = `case when d.state in ('waiting', 'queued') then d.due_at end`;

/** Of `deliveries d`: the head of its lane, which has to end first. */
export const BLOCKED_BY = `
  (select h.id from deliveries h
    where d.state = 'blocked' and h.endpoint_id = d.endpoint_id and h.order_id = d.order_id
      and h.state in ('waiting', 'queued'))`;

/** Of `deliveries d`, `order_transitions t` and `webhook_endpoints e`: see `JOIN_CHANGE_AND_ENDPOINT`. */
export const DELIVERY_COLUMNS = `
  d.id as "deliveryId", d.customer_server_id as "customerServerId", d.order_id as "orderId",
  d.order_version as version, t.to_status as status, d.endpoint_id as "endpointId", e.url, d.state,
  d.changed_at as "changedAt", d.opened_by as "openedBy", d.opened_at as "openedAt", d.replay_id as "replayId",
  d.attempt_count as "attemptCount",
  ${NEXT_ATTEMPT_AT} as "nextAttemptAt", ${BLOCKED_BY} as "blockedBy",
  d.last_outcome as "lastOutcome", d.last_response_status as "lastResponseStatus", d.last_error as "lastError",
  d.finished_at as "finishedAt"`;

export const JOIN_CHANGE_AND_ENDPOINT = `
  join order_transitions t on t.id = d.transition_id
  join webhook_endpoints e on e.id = d.endpoint_id`;

/** One customer server's delivery; null when it does not exist or is another's. */
export async function findDeliveryForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  deliveryId: string,
): Promise<DeliveryRow | null> {
  const { rows } = await executor.query<DeliveryRow>({
    name: 'find-delivery-for-customer-server',
    text: `select ${DELIVERY_COLUMNS} from deliveries d ${JOIN_CHANGE_AND_ENDPOINT}
            where d.id = $1 and d.customer_server_id = $2`,
    values: [deliveryId, customerServerId],
  });
  return rows[0] ?? null;
}

/** Any delivery, whoever it belongs to: for operators. */
export async function findAnyDelivery(
  executor: SqlExecutor,
  deliveryId: string,
): Promise<DeliveryRow | null> {
  const { rows } = await executor.query<DeliveryRow>({
    name: 'find-any-delivery',
    text: `select ${DELIVERY_COLUMNS} from deliveries d ${JOIN_CHANGE_AND_ENDPOINT} where d.id = $1`,
    values: [deliveryId],
  });
  return rows[0] ?? null;
}
