import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { Tracer } from '@vendor-server/platform/tracing/tracer.ts';
import type { ClaimedDelivery } from './claim-sql.ts';

/**
 * Sends an attempt in a span of its own, a child of the span of the change it tells of.
 *
 * @param send given the `traceparent` for the receiver: the attempt's, or without traces the change's
 * @throws what `send` throws
 */
export async function sendInSpan(
  tracer: Tracer,
  claimed: ClaimedDelivery,
  send: (traceparent: string | null) => Promise<AttemptResult>,
): Promise<AttemptResult> {
  if (!tracer.isOn) return send(claimed.traceparent);
  const { hostname, port, protocol } = new URL(claimed.url);
  const attributes = {
    'http.request.method': 'POST',
    'http.request.resend_count': claimed.attemptNumber === 1 ? undefined : claimed.attemptNumber - 1,
    'server.address': hostname,
    'server.port': port === '' ? DEFAULT_PORTS[protocol] : Number(port),
    'vendor_server.order.id': claimed.orderId,
    'vendor_server.order.version': claimed.orderVersion,
    'vendor_server.order.status': claimed.status,
    'vendor_server.delivery.id': claimed.deliveryId,
    'vendor_server.delivery.attempt': claimed.attemptNumber,
    'vendor_server.request.id': claimed.requestId ?? undefined,
  };
  const span = tracer.start({
    name: 'POST webhook',
    kind: 'client',
    parent: claimed.traceparent,
    attributes,
  });
  let errorType: string | undefined = 'own_fault';
  try {
    const result = await send(span.traceparent);
    const { outcome, reason, responseStatus } = result;
    span.add({
      'http.response.status_code': responseStatus ?? undefined,
      'vendor_server.delivery.reason': reason,
    });
    if (outcome === 'acknowledged') errorType = undefined;
    else errorType = outcome === 'rejected' ? String(responseStatus) : outcome;
    return result;
  } finally {
    span.end(errorType);
  }
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
