import type { Static } from 'typebox';
import type { AttemptRow } from './attempts-sql.ts';
import type { DeliveryRow } from './delivery-row-sql.ts';
import type { AnyDeliveryResource, AttemptResource, DeliveryResource } from './schemas.ts';

/** A delivery as its customer server reads it. */
export function toDeliveryResource(row: DeliveryRow): Static<typeof DeliveryResource> {
  return {
    deliveryId: row.deliveryId,
    orderId: row.orderId,
    version: row.version,
    status: row.status,
    endpointId: row.endpointId,
    url: row.url,
    state: row.state,
    changedAt: row.changedAt.toISOString(),
    openedBy: row.openedBy,
    openedAt: row.openedAt.toISOString(),
    replayId: row.replayId,
    attemptCount: row.attemptCount,
    nextAttemptAt: row.nextAttemptAt?.toISOString() ?? null,
    blockedBy: row.blockedBy,
    lastOutcome: row.lastOutcome,
    lastResponseStatus: row.lastResponseStatus,
    lastError: row.lastError,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

/** The same, and whose it is: for operators. */
export function toAnyDeliveryResource(row: DeliveryRow): Static<typeof AnyDeliveryResource> {
  return { ...toDeliveryResource(row), customerServerId: row.customerServerId };
}

export function toAttemptResource(row: AttemptRow): Static<typeof AttemptResource> {
  return {
    attemptNumber: row.attemptNumber,
    trigger: row.trigger,
    at: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    durationMs: row.durationMs,
    outcome: row.outcome,
    reason: row.reason,
    responseStatus: row.responseStatus,
    error: row.error,
    responseExcerpt: row.responseExcerpt,
  };
}
