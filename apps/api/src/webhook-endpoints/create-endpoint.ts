import { MAX_ENDPOINTS_PER_CUSTOMER_SERVER } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import {
  type CreatedWebhookEndpoint,
  createWebhookEndpoint,
} from '@vendor-server/platform/customer-servers/create-webhook-endpoint.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { assertUsableUrl } from './assert-usable-url.ts';
import type { EndpointCreateBody } from './schemas.ts';
import { toPreferences } from './to-preferences.ts';

/**
 * Adds an endpoint to a customer server.
 *
 * @throws ApiError `validation_failed` for a URL that cannot be used, `endpoint_limit_reached`
 */
export async function createEndpointForCustomerServer(
  { database, secretBox, settings }: Pick<AppDeps, 'database' | 'secretBox' | 'settings'>,
  customerServerId: string,
  body: EndpointCreateBody,
): Promise<CreatedWebhookEndpoint> {
  const { url } = body;
  assertUsableUrl('url', url, settings);
  return database.prisma.$transaction(async (transaction) => {
    // Of two that create at once, the second counts the first one's. Orders, which refer to the row, do not wait.
    await transaction.$queryRaw`select 1 from customer_servers where id = ${customerServerId} for no key update`;
    const count = await transaction.webhookEndpoint.count({ where: { customerServerId, deletedAt: null } });
    if (count >= MAX_ENDPOINTS_PER_CUSTOMER_SERVER) {
      const message = `A customer server has at most ${MAX_ENDPOINTS_PER_CUSTOMER_SERVER} webhook endpoints: delete one first.`;
      throw new ApiError('endpoint_limit_reached', { message });
    }
    return createWebhookEndpoint(transaction, secretBox, {
      customerServerId,
      url,
      isDefault: false,
      preferences: toPreferences(body),
    });
  });
}
