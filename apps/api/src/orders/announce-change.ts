import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import { toDeliveryJobData } from '@vendor-server/platform/deliveries/promote-sql.ts';
import type { AppDeps } from '../app-deps.ts';
import { publishOrderChange } from '../offers/offer-events.ts';
import type { RecordedChange } from './order-change-sql.ts';

/**
 * Counts a committed change, tells the offer streams of it and hands it over to the queue. Waits at most the
 * dispatcher's limit and never fails: the change is safe, and what cannot be handed over now the relay finds.
 */
export async function announceChange(
  {
    dispatcher,
    logger,
    metrics,
    offerEvents,
  }: Pick<AppDeps, 'dispatcher' | 'logger' | 'metrics' | 'offerEvents'>,
  order: OrderSnapshot,
  previousStatus: OrderStatus | null,
  { deliveries, hasEndpoint, superseded }: RecordedChange,
  requestId: string,
): Promise<void> {
  metrics.countTransition(order.status);
  metrics.countFinished('superseded', superseded);
  const { orderId, version, status: to } = order;
  publishOrderChange(offerEvents, { orderId, version, from: previousStatus, to });
  if (!hasEndpoint) {
    const ids = { orderId, deliveryId: null, requestId };
    logger.info(
      { ...ids, status: to, previousStatus, attempt: 0, durationMs: 0, responseStatus: null },
      'Customer webhook URL not configured',
    );
  }
  await dispatcher.dispatch({
    jobs: deliveries
      .filter(({ state }) => state === 'queued')
      .map(({ deliveryId, generation, url }) =>
        toDeliveryJobData({
          deliveryId,
          generation,
          url,
          orderId: order.orderId,
          version: order.version,
          status: order.status,
        }),
      ),
    lanes: deliveries
      .filter(({ state }) => state !== 'queued')
      .map(({ endpointId }) => ({ endpointId, orderId: order.orderId })),
  });
}
