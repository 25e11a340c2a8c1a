import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import { buildWebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { type RecordedChange, writeNewOrder } from './order-change-sql.ts';

/**
 * Writes a new order with its first transition and deliveries, inside the caller's transaction. The caller
 * calls `announceChange` after its commit.
 */
export function recordNewOrder(
  executor: SqlExecutor,
  order: OrderSnapshot,
  context: { readonly requestId: string; readonly traceparent: string | null },
): Promise<RecordedChange> {
  return writeNewOrder(executor, order, {
    transitionId: createId(),
    from: null,
    reason: null,
    body: JSON.stringify(buildWebhookBody(order, null, null)),
    ...context,
  });
}
