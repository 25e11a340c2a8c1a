import type { WebhookEndpoint } from '@vendor-server/platform/generated/prisma/client.ts';
import type { CustomerServerWithEndpoints } from './customer-server-queries.ts';

/** A customer server as it reads itself, and as operators read it. Secrets are shown at creation only. */
export function toCustomerServerResource(server: CustomerServerWithEndpoints) {
  return {
    customerServerId: server.id,
    name: server.name,
    isDefault: server.isDefault,
    endpoints: server.endpoints.map(toEndpointSummary),
    createdAt: server.createdAt.toISOString(),
    updatedAt: server.updatedAt.toISOString(),
  };
}

function toEndpointSummary(endpoint: WebhookEndpoint) {
  return {
    endpointId: endpoint.id,
    url: endpoint.url,
    // Null means all.
    statuses: endpoint.allStatuses ? null : endpoint.statuses,
    mode: endpoint.mode,
    state: endpoint.state,
  };
}
