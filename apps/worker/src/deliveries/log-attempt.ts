/** The log lines of an attempt, with the messages operators grep for. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import type { Logger } from 'pino';
import type { AttemptRequest } from './build-attempt-request.ts';
import type { ClaimedDelivery } from './claim-sql.ts';
import type { RecordedStep } from './record-sql.ts';

/** One wide line per attempt: every id, every duration, and what follows. */
export function logAttempt(
  logger: Logger,
  claimed: ClaimedDelivery,
  result: AttemptResult,
  step: RecordedStep | { readonly kind: 'lost' },
): void {
  const line = {
    orderId: claimed.orderId,
    deliveryId: claimed.deliveryId,
    customerServerId: claimed.customerServerId,
    endpointId: claimed.endpointId,
    version: claimed.orderVersion,
    status: claimed.status,
    previousStatus: claimed.previousStatus,
    requestId: claimed.requestId,
    attempt: claimed.attemptNumber,
    durationMs: Math.round(result.durationMs),
    outcome: result.outcome,
    responseStatus: result.responseStatus,
    error: result.error,
  };
  switch (step.kind) {
    case 'delivered':
      logger.info(line, 'Customer webhook sent successfully');
      break;
    case 'failed':
      logger.error({ ...line, reason: step.reason }, 'Customer webhook failed');
      break;
    case 'retry':
      logger.warn({ ...line, retryInMs: step.delayMs }, 'Customer webhook failed, retrying');
      break;
    case 'retry_with_other_secret':
      logger.warn({ ...line, retryInMs: 0 }, 'Customer webhook failed, retrying');
      break;
    case 'lost':
      logger.warn(line, 'Webhook answered after its lease ran out');
      break;
  }
}

const REDACTED_HEADERS = new Set(['x-vendor-server-secret', 'webhook-signature']);

/** The whole exchange, for DEBUG_WEBHOOKS; secrets and signatures are left out. */
export function logExchange(
  logger: Logger,
  claimed: ClaimedDelivery,
  request: AttemptRequest,
  result: AttemptResult,
): void {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      REDACTED_HEADERS.has(name.toLowerCase()) ? '[redacted]' : value,
    ]),
  );
  const { deliveryId, orderId, attemptNumber: attempt } = claimed;
  logger.info(
    { deliveryId, orderId, attempt, url: request.url, headers, body: request.body },
    'webhook request',
  );
  logger.info(
    { deliveryId, orderId, attempt, ...result, responseExcerpt: result.responseExcerpt },
    'webhook response',
  );
}
