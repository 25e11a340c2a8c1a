import { buildWebhookHeaders } from '@vendor-server/domain/webhooks/webhook-headers.ts';
import type { SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import type { ClaimedDelivery } from './claim-sql.ts';

export interface AttemptRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** What proves who we are: not to be stored or shown when the answer repeats it. */
  readonly secrets: readonly string[];
}

/** The signed request of an attempt; its timestamps are those of the attempt, its body that of the change. */
export function buildAttemptRequest(
  secretBox: SecretBox,
  claimed: ClaimedDelivery,
  traceparent: string | null,
): AttemptRequest {
  const signingSecrets = [claimed.signingSecretCiphertext, claimed.previousSigningSecretCiphertext]
    .filter((sealed) => sealed !== null)
    .map((sealed) => secretBox.open(sealed, claimed.endpointId));
  const sharedSecret =
    claimed.sharedSecretCiphertext === null
      ? null
      : secretBox.open(claimed.sharedSecretCiphertext, claimed.customerServerId);
  return {
    url: claimed.url,
    body: claimed.body,
    secrets: [...signingSecrets, sharedSecret].filter((secret) => secret !== null),
    headers: buildWebhookHeaders({
      event: 'order.status_changed',
      deliveryId: claimed.deliveryId,
      orderId: claimed.orderId,
      version: claimed.orderVersion,
      attemptNumber: claimed.attemptNumber,
      attemptedAt: claimed.attemptedAt,
      body: claimed.body,
      signingSecrets,
      traceparent,
      sharedSecret,
    }),
  };
}
