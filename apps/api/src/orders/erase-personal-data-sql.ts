/** The statements of an erasure, in the order in which they run. */
import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** What a transition says in words. */
export interface TransitionTexts {
  readonly id: string;
  readonly reason: string | null;
  readonly body: string;
}

/** Keeps changes and re-openings of the order away until the transaction ends. */
export async function lockOrder(transaction: SqlExecutor, orderId: string): Promise<void> {
  await transaction.query('select 1 from orders where id = $1 for update', [orderId]);
}

export async function hasOpenDelivery(transaction: SqlExecutor, orderId: string): Promise<boolean> {
  const { rows } = await transaction.query<{ open: boolean }>(
    `select exists (select 1 from deliveries
                     where order_id = $1 and state || '' in ('blocked', 'waiting', 'queued')) as open`,
    [orderId],
  );
  return rows[0]?.open ?? false;
}

/** Raises no version: nothing happened to the order. */
export async function writeErasedOrder(transaction: SqlExecutor, order: OrderSnapshot): Promise<void> {
  await transaction.query(
    `update orders
        set pickup_address = $2, pickup_longitude = $3, pickup_latitude = $4,
            drop_address = $5, drop_longitude = $6, drop_latitude = $7,
            items = $8, customer_notes = $9, vendor_notes = $10, cancellation_reason = $11, metadata = $12,
            personal_data_erased_at = $13
      where id = $1`,
    [
      order.orderId,
      order.pickup.address,
      ...order.pickup.coordinates,
      order.drop.address,
      ...order.drop.coordinates,
      JSON.stringify(order.items),
      order.customerNotes,
      order.vendorNotes,
      order.cancellationReason,
      JSON.stringify(order.metadata),
      order.personalDataErasedAt,
    ],
  );
}

export async function readTransitionTexts(
  transaction: SqlExecutor,
  orderId: string,
): Promise<TransitionTexts[]> {
  const { rows } = await transaction.query<{ id: string; reason: string | null; body: string }>(
    'select id, reason, body from order_transitions where order_id = $1',
    [orderId],
  );
  return rows;
}

export async function writeErasedTransitions(
  transaction: SqlExecutor,
  transitions: readonly TransitionTexts[],
): Promise<void> {
  await transaction.query(
    `update order_transitions t
        set reason = erased.reason, body = erased.body
       from unnest($1::text[], $2::text[], $3::text[]) as erased (id, reason, body)
      where t.id = erased.id::char(24) and (t.reason, t.body) is distinct from (erased.reason, erased.body)`,
    [
      transitions.map(({ id }) => id),
      transitions.map(({ reason }) => reason),
      transitions.map(({ body }) => body),
    ],
  );
}

/** A receiver may have repeated in its answer what it was told. */
export async function eraseAnswersOfReceivers(transaction: SqlExecutor, orderId: string): Promise<void> {
  await transaction.query(
    `update delivery_attempts a
        set response_excerpt = null
       from deliveries d
      where d.order_id = $1 and a.delivery_id = d.id and a.response_excerpt is not null`,
    [orderId],
  );
}

export async function eraseReasonsOfDeclines(transaction: SqlExecutor, orderId: string): Promise<void> {
  await transaction.query(
    'update offer_declines set reason = null where order_id = $1 and reason is not null',
    [orderId],
  );
}
