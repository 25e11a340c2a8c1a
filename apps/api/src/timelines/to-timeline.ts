import type { Static } from 'typebox';
import type { AnyTimeline, Timeline } from './schemas.ts';
import type { TimelineRow } from './timeline-sql.ts';

type Change = Static<typeof Timeline>[number];
type AnyChange = Static<typeof AnyTimeline>[number];
type ToldDelivery = Extract<Change['deliveries'][number], { attempts: unknown }>;

/**
 * An order's story as its customer server reads it. Which operator made a change is between operators: the actor
 * is `admin`, without the name.
 *
 * @param rows by version, then endpoint, then attempt
 */
export function toTimeline(rows: readonly TimelineRow[]): Change[] {
  return group(rows, (row) => (row.actorType === 'admin' ? null : row.actorId));
}

/** The same with operators' names: for operators. */
export function toAnyTimeline(rows: readonly TimelineRow[]): AnyChange[] {
  return group(rows, (row) => row.actorId);
}

function group(rows: readonly TimelineRow[], actorIdOf: (row: TimelineRow) => string | null): Change[] {
  const changes: Change[] = [];
  let delivery: ToldDelivery | null = null;
  for (const row of rows) {
    let change = changes.at(-1);
    if (change?.version !== row.version) {
      change = toChange(row, actorIdOf(row));
      changes.push(change);
    }
    if (row.kind === 'pruned') {
      const { endpointId, url, state, prunedAt } = row;
      change.deliveries.push({ endpointId, url, state, prunedAt: prunedAt.toISOString() });
    }
    if (row.kind !== 'delivery') continue;
    if (delivery?.deliveryId !== row.deliveryId) {
      delivery = toDelivery(row);
      change.deliveries.push(delivery);
    }
    const { attemptNumber, trigger, startedAt, durationMs, outcome, responseStatus, error } = row;
    const { attemptReason: reason } = row;
    if (attemptNumber === null) continue;
    const at = startedAt.toISOString();
    delivery.attempts.push({
      attemptNumber,
      trigger,
      at,
      durationMs,
      outcome,
      reason,
      responseStatus,
      error,
    });
  }
  return changes;
}

function toChange(row: TimelineRow, actorId: string | null): Change {
  return {
    version: row.version,
    from: row.from,
    to: row.to,
    actor: { type: row.actorType, ...(actorId === null ? {} : { id: actorId }) },
    reason: row.reason,
    at: row.changedAt.toISOString(),
    deliveries: [],
  };
}

function toDelivery(row: Extract<TimelineRow, { kind: 'delivery' }>): ToldDelivery {
  const { deliveryId, endpointId, url, state, attemptCount, lastError, nextAttemptAt, blockedBy } = row;
  return {
    deliveryId,
    endpointId,
    url,
    state,
    attemptCount,
    attempts: [],
    lastError,
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    blockedBy,
  };
}
