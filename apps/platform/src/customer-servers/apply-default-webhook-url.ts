import { MAX_ENDPOINTS_PER_CUSTOMER_SERVER } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { CustomerServer, Prisma } from '../generated/prisma/client.ts';
import type { EndpointStateChange } from '../logging/log-endpoint-state.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { createWebhookEndpoint } from './create-webhook-endpoint.ts';

export type EndpointChange =
  | 'endpoint created'
  /** Beside as many others as a customer server may make. */
  | 'endpoint created beyond the limit'
  | 'endpoint moved'
  | 'endpoint paused';

export interface AppliedWebhookUrl {
  readonly change: EndpointChange;
  /** The endpoint's pause or opening, if it is one: to be logged after the commit. */
  readonly stateChange: EndpointStateChange | null;
}

/** The `state_reason` of an endpoint that is paused because CUSTOMER_WEBHOOK_URL is unset. No quotes: SQL holds it. */
export const URL_UNSET_REASON = 'CUSTOMER_WEBHOOK_URL is not set any more';

/**
 * Applies CUSTOMER_WEBHOOK_URL to the default customer server's endpoint when it differs from the one last
 * applied, within the caller's transaction that serializes such changes.
 *
 * A URL that is gone pauses the endpoint: nothing is sent any more, and nothing is lost when it was forgotten
 * by mistake, because its deliveries go on once a URL is set again.
 *
 * The limit of endpoints is for what is asked of the API. Whoever sets a URL expects webhooks there and a process that
 * starts, so its endpoint is made also where the customer server has all it may have, and the log says so.
 */
export async function applyDefaultWebhookUrl(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  customerServer: Pick<CustomerServer, 'id' | 'appliedWebhookUrl'>,
  url: string | null,
): Promise<AppliedWebhookUrl | null> {
  if (url === customerServer.appliedWebhookUrl) return null;
  const customerServerId = customerServer.id;
  await transaction.customerServer.update({
    where: { id: customerServerId },
    data: { appliedWebhookUrl: url },
  });

  // Nobody else opens or closes it until the commit.
  await transaction.$executeRaw`
    select from webhook_endpoints
     where customer_server_id = ${customerServerId} and is_default and deleted_at is null for no key update`;
  const endpoint = await transaction.webhookEndpoint.findFirst({
    where: { customerServerId, isDefault: true, deletedAt: null },
  });
  const now = new Date();
  const toStateChange = (endpointId: string, from: 'active' | 'paused'): EndpointStateChange => ({
    endpointId,
    customerServerId,
    from,
    to: from === 'active' ? 'paused' : 'active',
    reason: from === 'active' ? URL_UNSET_REASON : null,
    actor: { type: 'settings', id: null },
  });
  if (url === null) {
    if (endpoint?.state !== 'active') return null;
    await transaction.webhookEndpoint.update({
      where: { id: endpoint.id },
      data: { state: 'paused', stateReason: URL_UNSET_REASON, stateChangedAt: now, updatedAt: now },
    });
    return { change: 'endpoint paused', stateChange: toStateChange(endpoint.id, 'active') };
  }
  if (!endpoint) {
    const others = await transaction.webhookEndpoint.count({ where: { customerServerId, deletedAt: null } });
    await createWebhookEndpoint(transaction, secretBox, {
      customerServerId,
      url,
      isDefault: true,
      preferences: {},
    });
    const isBeyond = others >= MAX_ENDPOINTS_PER_CUSTOMER_SERVER;
    return { change: isBeyond ? 'endpoint created beyond the limit' : 'endpoint created', stateChange: null };
  }
  const isPausedByUs = endpoint.state === 'paused' && endpoint.stateReason === URL_UNSET_REASON;
  await transaction.webhookEndpoint.update({
    where: { id: endpoint.id },
    data: {
      url,
      updatedAt: now,
      // As by a PATCH: who was gone at the old URL says nothing about the new one, and it is tried there at once.
      goneOrderIds: [],
      ...(isPausedByUs && { state: 'active', stateReason: null, stateChangedAt: now }),
    },
  });
  await transaction.$executeRaw`
    update webhook_endpoints set next_probe_at = clock_timestamp() where id = ${endpoint.id} and "window" = 0`;
  return {
    change: 'endpoint moved',
    stateChange: isPausedByUs ? toStateChange(endpoint.id, 'paused') : null,
  };
}
