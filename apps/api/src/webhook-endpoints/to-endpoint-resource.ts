import { buildEndpointHealth } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import type { StoredEndpointRow } from './endpoint-query-sql.ts';

type EndpointSettings = Pick<Settings, 'webhookTimeoutMs' | 'webhookMaxHoldMs'>;

/** An endpoint as its customer server reads it. Its signing secret is shown at creation and rotation only. */
export function toEndpointResource(row: StoredEndpointRow, settings: EndpointSettings) {
  const health = buildEndpointHealth(row, settings.webhookMaxHoldMs);
  return {
    endpointId: row.endpointId,
    url: row.url,
    statuses: row.statuses,
    mode: row.mode,
    retryDelaysMs: row.retryDelaysMs,
    timeoutMs: row.timeoutMs ?? settings.webhookTimeoutMs,
    sendSharedSecret: row.sendSharedSecret,
    state: row.state,
    health: {
      ...health,
      until: toTimestamp(health.until),
      lastSuccessAt: toTimestamp(health.lastSuccessAt),
      oldestPendingAt: toTimestamp(health.oldestPendingAt),
    },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** An endpoint as operators read it: whose it is, and since when it fails. */
export function toOperatorEndpointResource(row: StoredEndpointRow, settings: EndpointSettings) {
  return {
    customerServerId: row.customerServerId,
    customerServerName: row.customerServerName,
    ...toEndpointResource(row, settings),
    stateChangedAt: row.stateChangedAt.toISOString(),
    failingSince: toTimestamp(row.failingSince),
    lastFailureAt: toTimestamp(row.lastFailureAt),
    lastFailureReason: row.lastFailureReason,
  };
}

function toTimestamp(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}
