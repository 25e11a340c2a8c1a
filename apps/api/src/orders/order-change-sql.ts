/**
 * Writes a status change: the order, the transition with its frozen body, and one delivery for every endpoint
 * that exists and wants the status, in one statement, so that none can exist without the others.
 *
 * - The update of an order is guarded by the version that was *read before*, in an earlier statement: reading
 *   and updating in one would decide on a snapshot that may be stale by the time the row lock is granted. Of
 *   two changes of one order exactly one finds its version; the other writes nothing and decides again.
 * - It is guarded by the time of the last erasure, too, which raises no version: what was read before an erasure
 *   would bring back what it overwrote.
 * - A delivery is `blocked` while an earlier one of its lane is open; else `waiting` when its endpoint is not
 *   active, has no room, or has due heads waiting already (no overtaking); else `queued`. This may be decided
 *   on a snapshot that misses what another transaction commits meanwhile: a lane that closed is found by the
 *   look after commit (see promote), and a second head of a lane is refused by the unique index. So is one next
 *   to a delivery that was opened again while this statement waited for the order (see platform's reopen.ts).
 * - Changes that commit at the same moment do not see each other's `queued` rows, so a burst may put a few
 *   more than the window in the queue; `promote` then adds none until there is room.
 *
 * What an endpoint is told that wants the latest only: change-deliveries-sql.ts.
 */
import type { OpenDeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import { workTypeOf } from '@vendor-server/domain/orders/work-type-of.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { TRANSITION_AND_DELIVERIES } from './change-deliveries-sql.ts';

/** What is recorded of the change besides the order itself. */
export interface TransitionRecord {
  readonly transitionId: string;
  /** Null at creation. */
  readonly from: OrderStatus | null;
  readonly reason: string | null;
  /** The webhook's bytes. */
  readonly body: string;
  readonly requestId: string | null;
  readonly traceparent: string | null;
}

export interface RecordedDelivery {
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly state: OpenDeliveryState;
  readonly generation: number;
  readonly url: string;
}

export interface RecordedChange {
  readonly deliveries: readonly RecordedDelivery[];
  /** False when the customer server has no endpoint, or only one that waits for CUSTOMER_WEBHOOK_URL. */
  readonly hasEndpoint: boolean;
  /** How many older deliveries the change replaced, at endpoints that want the latest only. */
  readonly superseded: number;
}

/** Parameters $1 to $22, the same in both statements. */
function buildValues(order: OrderSnapshot, record: TransitionRecord): unknown[] {
  return [
    order.orderId,
    order.version,
    order.status,
    order.statusActor.type,
    order.statusActor.id,
    order.vendorId,
    order.fare,
    order.paymentStatus,
    order.vendorNotes,
    order.assignedAt,
    order.acceptedAt,
    order.completedAt,
    order.cancelledAt,
    order.cancellationReason,
    order.cancelledBy,
    order.updatedAt,
    record.transitionId,
    record.from,
    record.reason,
    record.body,
    record.requestId,
    record.traceparent,
  ];
}

interface ResultRow extends RecordedChange {
  readonly written: number;
}

function toRecordedChange({ deliveries, hasEndpoint, superseded }: ResultRow): RecordedChange {
  return { deliveries, hasEndpoint, superseded };
}

/**
 * Writes the change from the version before `next.version` to `next`.
 *
 * @returns null when the order is no longer at that version: read and decide again
 * @throws unique violation of `deliveries_lane_head_key` when a lane got another head meanwhile: the same
 */
export async function writeOrderChange(
  executor: SqlExecutor,
  next: OrderSnapshot,
  record: TransitionRecord,
): Promise<RecordedChange | null> {
  const { rows } = await executor.query<ResultRow>({
    name: 'write-order-change',
    text: `
      with changed as (
        update orders
           set version = $2::int, status = $3, status_actor_type = $4, status_actor_id = $5, vendor_id = $6,
               fare = $7, payment_status = $8, vendor_notes = $9, assigned_at = $10, accepted_at = $11,
               completed_at = $12, cancelled_at = $13, cancellation_reason = $14, cancelled_by = $15,
               updated_at = $16
         where id = $1 and version = $2::int - 1 and personal_data_erased_at is not distinct from $23
        returning id, customer_server_id
      ), ${TRANSITION_AND_DELIVERIES}`,
    values: [...buildValues(next, record), next.personalDataErasedAt],
  });
  const [row] = rows;
  if (row === undefined || row.written === 0) return null;
  return toRecordedChange(row);
}

/** Writes a new order (version 1) with its first transition and deliveries. */
export async function writeNewOrder(
  executor: SqlExecutor,
  order: OrderSnapshot,
  record: TransitionRecord,
): Promise<RecordedChange> {
  const { rows } = await executor.query<ResultRow>({
    name: 'write-new-order',
    text: `
      with changed as (
        insert into orders (id, version, status, status_actor_type, status_actor_id, vendor_id, fare,
                            payment_status, vendor_notes, assigned_at, accepted_at, completed_at, cancelled_at,
                            cancellation_reason, cancelled_by, updated_at,
                            customer_server_id, customer_id, payment_method, pickup_address, pickup_longitude,
                            pickup_latitude, drop_address, drop_longitude, drop_latitude, items,
                            customer_notes, work_type, metadata, scheduled_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37)
        returning id, customer_server_id
      ), ${TRANSITION_AND_DELIVERIES}`,
    values: [
      ...buildValues(order, record),
      order.customerServerId,
      order.customerId,
      order.paymentMethod,
      order.pickup.address,
      ...order.pickup.coordinates,
      order.drop.address,
      ...order.drop.coordinates,
      JSON.stringify(order.items),
      order.customerNotes,
      workTypeOf(order),
      JSON.stringify(order.metadata),
      order.scheduledAt,
      order.createdAt,
    ],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('writing a new order returned no row');
  return toRecordedChange(row);
}
