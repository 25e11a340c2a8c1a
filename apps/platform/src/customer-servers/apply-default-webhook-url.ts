import type { CustomerServer, Prisma } from '../generated/prisma/client.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { createWebhookEndpoint } from './create-webhook-endpoint.ts';

export type EndpointChange = 'endpoint created' | 'endpoint moved' | 'endpoint paused';

/** The `state_reason` of an endpoint that is paused because CUSTOMER_WEBHOOK_URL is unset. No quotes: SQL holds it. */
export const URL_UNSET_REASON = 'CUSTOMER_WEBHOOK_URL is not set any more';

/**
 * Applies CUSTOMER_WEBHOOK_URL to the default customer server's endpoint when it differs from the one last
 * applied, within the caller's transaction that serializes such changes.
 *
 * A URL that is gone pauses the endpoint: nothing is sent any more, and nothing is lost when it was forgotten
 * by mistake, because its deliveries go on once a URL is set again.
 */
export async function applyDefaultWebhookUrl(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  customerServer: Pick<CustomerServer, 'id' | 'appliedWebhookUrl'>,
  url: string | null,
): Promise<EndpointChange | null> {
  if (url === customerServer.appliedWebhookUrl) return null;
  const customerServerId = customerServer.id;
  await transaction.customerServer.update({
    where: { id: customerServerId },
    data: { appliedWebhookUrl: url },
  });

  const endpoint = await transaction.webhookEndpoint.findFirst({
    where: { customerServerId, isDefault: true, deletedAt: null },
  });
  const now = new Date();
  if (url === null) {
    if (endpoint?.state !== 'active') return null;
    await transaction.webhookEndpoint.update({
      where: { id: endpoint.id },
      data: { state: 'paused', stateReason: URL_UNSET_REASON, stateChangedAt: now, updatedAt: now },
    });
    return 'endpoint paused';
  }
  if (!endpoint) {
    await createWebhookEndpoint(transaction, secretBox, {
      customerServerId,
      url,
      isDefault: true,
      preferences: {},
    });
    return 'endpoint created';
  }
  const isPausedByUs = endpoint.state === 'paused' && endpoint.stateReason === URL_UNSET_REASON;
  await transaction.webhookEndpoint.update({
    where: { id: endpoint.id },
    data: {
      url,
      updatedAt: now,
      ...(isPausedByUs && { state: 'active', stateReason: null, stateChangedAt: now }),
    },
  });
  return 'endpoint moved';
}
