/** Changes as their writers make them, for tests of the feed. */
import { sampleOrder } from '@vendor-server/domain/testing/sample-order.ts';
import { buildWebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import type { SqlExecutor } from '../database/sql-executor.ts';
import { createId } from '../ids/create-id.ts';

/**
 * Writes the next change of an order, or, without one, a new order, in the caller's transaction. It draws its
 * `seq` now, whenever the transaction commits.
 *
 * @returns the order and the version written
 */
export async function writeChange(
  executor: SqlExecutor,
  customerServerId: string,
  order: { readonly orderId: string; readonly version: number } | null = null,
): Promise<{ orderId: string; version: number }> {
  const orderId = order?.orderId ?? createId();
  const version = (order?.version ?? 0) + 1;
  if (order === null) {
    await executor.query(
      `insert into orders (id, customer_server_id, customer_id, status, version, status_actor_type, fare,
                           payment_method, pickup_address, pickup_longitude, pickup_latitude, drop_address,
                           drop_longitude, drop_latitude, items, created_at, updated_at)
       values ($1, $2, 'customer-1', 'accepted', 1, 'customer_server', 100, 'cod', 'Pickup', 77.1, 28.7, 'Drop',
               77.2, 28.8, '[]', now(), now())`,
      [orderId, customerServerId],
    );
  } else {
    await executor.query('update orders set version = $2 where id = $1', [orderId, version]);
  }
  await executor.query(
    `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                    actor_type, changed_at, body)
     values ($1, $2, $3, $4, $5, 'accepted', 'partner', now(), $6)`,
    [
      createId(),
      orderId,
      customerServerId,
      version,
      version === 1 ? null : 'accepted',
      JSON.stringify(
        buildWebhookBody(sampleOrder({ orderId, version }), version === 1 ? null : 'accepted', null),
      ),
    ],
  );
  return { orderId, version };
}
