import { toPreferenceColumns } from '@vendor-server/platform/customer-servers/endpoint-preferences.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { assertUsableUrl } from './assert-usable-url.ts';
import type { EndpointPatchBody } from './schemas.ts';
import { toPreferences } from './to-preferences.ts';

/**
 * Changes what is given of an endpoint. URL, time-out, delays and shared secret are read by every claim, so they
 * hold from the next attempt; statuses and mode are read by every change of an order.
 *
 * A new URL changes no state: what was paused or disabled stays so, and what failed counts as failing until
 * something succeeds. But a broken endpoint is probed at once, because that is why somebody gave it another
 * URL, and orders that were answered 410 at the old one say nothing about the new one.
 *
 * @throws ApiError `validation_failed` for a URL that cannot be used, `not_found`
 */
export async function patchEndpointForCustomerServer(
  { database, settings }: Pick<AppDeps, 'database' | 'settings'>,
  customerServerId: string,
  endpointId: string,
  body: EndpointPatchBody,
): Promise<void> {
  const { url } = body;
  if (url !== undefined) assertUsableUrl('url', url, settings);
  const columns = toPreferenceColumns(toPreferences(body));
  if (url === undefined && Object.keys(columns).length === 0) return;
  await database.prisma.$transaction(async (transaction) => {
    const { count } = await transaction.webhookEndpoint.updateMany({
      where: { id: endpointId, customerServerId, deletedAt: null },
      data: { ...columns, updatedAt: new Date() },
    });
    if (count === 0) throw new ApiError('not_found');
    if (url === undefined) return;
    await transaction.$executeRaw`
      update webhook_endpoints
         set url = ${url}, gone_order_ids = '{}',
             next_probe_at = case when "window" = 0 then clock_timestamp() else next_probe_at end
       where id = ${endpointId} and url <> ${url}`;
  });
}
