import { buildWebhookHeaders } from '@vendor-server/domain/webhooks/webhook-headers.ts';
import type { SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import type { ClaimedDelivery } from './claim-sql.ts';

export interface AttemptRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
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
  const { sharedSecretCiphertext } = claimed;
  return {
    url: claimed.url,
    body: claimed.body,
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
      sharedSecret:
        sharedSecretCiphertext === null
          ? null
          : secretBox.open(sharedSecretCiphertext, claimed.customerServerId),
    }),
  };
}
