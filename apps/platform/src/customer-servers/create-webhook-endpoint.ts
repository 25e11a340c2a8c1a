import { randomBytes } from 'node:crypto';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import { createId } from '../ids/create-id.ts';
import type { SecretBox } from '../secrets/secret-box.ts';

const SIGNING_SECRET_BYTES = 32;

export interface NewWebhookEndpoint {
  customerServerId: string;
  /** Already checked by `checkEndpointUrl`. */
  url: string;
  /**
   * Made from the settings or together with its customer server. Such an endpoint is also sent the shared
   * secret, as the integration guide says; all others are to verify the signature.
   */
  isDefault: boolean;
}

export interface CreatedWebhookEndpoint {
  endpointId: string;
  url: string;
  /** `whsec_…`; stored encrypted only, so this is the one time to show it. */
  signingSecret: string;
}

/** Stores a new active endpoint that is told of every status, within the caller's transaction. */
export async function createWebhookEndpoint(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { customerServerId, url, isDefault }: NewWebhookEndpoint,
): Promise<CreatedWebhookEndpoint> {
  const endpointId = createId();
  const signingSecret = createSigningSecret(randomBytes(SIGNING_SECRET_BYTES));
  await transaction.webhookEndpoint.create({
    data: {
      id: endpointId,
      customerServerId,
      url,
      isDefault,
      sendSharedSecret: isDefault,
      signingSecretCiphertext: secretBox.seal(signingSecret, endpointId),
    },
  });
  return { endpointId, url, signingSecret };
}
