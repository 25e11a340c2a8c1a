/** The log lines of an attempt, with the messages operators grep for. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { toLoggableExchange } from '@vendor-server/platform/logging/to-loggable-exchange.ts';
import { toTraceId } from '@vendor-server/platform/tracing/traceparent.ts';
import type { Logger } from 'pino';
import type { AttemptRequest } from './build-attempt-request.ts';
import type { ClaimedDelivery } from './claim-sql.ts';
import type { KnownStep } from './record-sql.ts';

/** One wide line per attempt: every id, every duration, and what follows. */
export function logAttempt(
  logger: Logger,
  claimed: ClaimedDelivery,
  result: AttemptResult,
  step: KnownStep,
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
    traceId: toTraceId(claimed.traceparent),
    attempt: claimed.attemptNumber,
    durationMs: Math.round(result.durationMs),
    outcome: result.outcome,
    reason: result.reason,
    responseStatus: result.responseStatus,
    error: result.error,
  };
  switch (step.kind) {
    case 'delivered':
      logger.info(line, 'Customer webhook sent successfully');
      break;
    case 'failed':
      logger.error({ ...line, endReason: step.reason }, 'Customer webhook failed');
      break;
    case 'retry':
      logger.warn({ ...line, retryInMs: step.delayMs }, 'Customer webhook failed, retrying');
      break;
    case 'retry_with_other_secret':
      logger.warn({ ...line, retryInMs: 0 }, 'Customer webhook failed, retrying');
      break;
    case 'wait_on':
      logger.warn({ ...line, isProbe: true }, 'Customer webhook failed, retrying');
      break;
    case 'superseded':
      logger.warn(line, 'Customer webhook failed, superseded by a newer change');
      break;
    case 'lost':
      logger.warn(line, 'Webhook answered after its lease ran out');
      break;
  }
}

/** The whole exchange, for DEBUG_WEBHOOKS; secrets and signatures are left out. */
export function logExchange(
  logger: Logger,
  claimed: Pick<ClaimedDelivery, 'deliveryId' | 'orderId' | 'attemptNumber'>,
  request: Omit<AttemptRequest, 'secrets'>,
  result: AttemptResult,
): void {
  const { deliveryId, orderId, attemptNumber: attempt } = claimed;
  const shown = toLoggableExchange(request, result);
  logger.info({ deliveryId, orderId, attempt, ...shown.request }, 'webhook request');
  logger.info({ deliveryId, orderId, attempt, ...shown.response }, 'webhook response');
}
