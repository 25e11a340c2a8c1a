import { randomBytes } from 'node:crypto';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import { createId } from '../ids/create-id.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { type EndpointPreferences, toPreferenceColumns } from './endpoint-preferences.ts';

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
  /** Those not given are the default: every status, every step, the settings' delays and time-out. */
  preferences: Partial<EndpointPreferences>;
}

export interface CreatedWebhookEndpoint {
  endpointId: string;
  url: string;
  /** `whsec_…`; stored encrypted only, so this is the one time to show it. */
  signingSecret: string;
}

/** Makes the secret of an endpoint's signatures: `whsec_…`. */
export function createEndpointSigningSecret(): string {
  return createSigningSecret(randomBytes(SIGNING_SECRET_BYTES));
}

/** Stores a new active endpoint, within the caller's transaction. */
export async function createWebhookEndpoint(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { customerServerId, url, isDefault, preferences }: NewWebhookEndpoint,
): Promise<CreatedWebhookEndpoint> {
  const endpointId = createId();
  const signingSecret = createEndpointSigningSecret();
  await transaction.webhookEndpoint.create({
    data: {
      id: endpointId,
      customerServerId,
      url,
      isDefault,
      sendSharedSecret: isDefault,
      ...toPreferenceColumns(preferences),
      signingSecretCiphertext: secretBox.seal(signingSecret, endpointId),
    },
  });
  return { endpointId, url, signingSecret };
}
