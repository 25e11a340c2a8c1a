import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import { buildWebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { TransitionRecord } from './order-change-sql.ts';

/** What is recorded of an order's creation, with the webhook's body that tells of it. */
export function buildCreationRecord(
  order: OrderSnapshot,
  { requestId, traceparent }: Pick<TransitionRecord, 'requestId' | 'traceparent'>,
): TransitionRecord {
  return {
    transitionId: createId(),
    from: null,
    reason: null,
    body: JSON.stringify(buildWebhookBody(order, null, null)),
    requestId,
    traceparent,
  };
}
