import { randomBytes } from 'node:crypto';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import { buildWebhookHeaders } from '@vendor-server/domain/webhooks/webhook-headers.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import type { StoredEndpoint, TestTarget } from './test-target-sql.ts';

export type TestRequest = {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** What proves who we are: not to be shown when the answer repeats it. */
  secrets: string[];
};

export type TestRequestInput = TestTarget & {
  /** Already checked by `checkEndpointUrl`; null for the first endpoint. */
  url: string | null;
  /** What a customer server proved itself with; null when a partner asks. */
  presentedSecret: string | null;
};

/**
 * The one request of a webhook test, as a delivery to the same place would be, or null when no URL is given
 * and none is stored.
 *
 * Who may send where decides what the request shows:
 * - The shared secret goes along if the caller presented it, which then tells the receiver nothing that the
 *   caller could not; else only to a stored endpoint that is sent it anyway. A partner can thus not have a
 *   customer server's secret sent to a place of its choice.
 * - To a stored endpoint it is signed as deliveries are. Elsewhere a customer server gets the signature of its
 *   first endpoint, which it may be moving. Whoever has no endpoint, and a partner for a URL that is not
 *   stored, gets the signature of a key that nobody knows: the form is right, the check is not possible.
 */
export function buildTestRequest(secretBox: SecretBox, input: TestRequestInput): TestRequest | null {
  const { endpoints, now, presentedSecret } = input;
  const stored =
    input.url === null ? endpoints[0] : endpoints.find(({ url }) => isSameUrl(url, input.url ?? ''));
  const url = input.url ?? stored?.url;
  if (url === undefined) return null;

  const signer = stored ?? (presentedSecret === null ? undefined : endpoints[0]);
  const body = JSON.stringify({
    test: true,
    timestamp: now.toISOString(),
    message: 'This is a test of the webhook connection. No order has changed.',
  });
  const signingSecrets = openSigningSecrets(secretBox, signer);
  const sharedSecret = presentedSecret ?? openSharedSecret(secretBox, stored);
  const headers = buildWebhookHeaders({
    event: 'connection.test',
    deliveryId: createId(),
    orderId: null,
    version: null,
    attemptNumber: 1,
    attemptedAt: now,
    body,
    traceparent: null,
    signingSecrets,
    sharedSecret,
  });
  const secrets = [...signingSecrets, sharedSecret].filter((secret) => secret !== null);
  return { url, headers, body, secrets };
}

function openSigningSecrets(secretBox: SecretBox, endpoint: StoredEndpoint | undefined): string[] {
  if (endpoint === undefined) return [createSigningSecret(randomBytes(32))];
  return [endpoint.signingSecretCiphertext, endpoint.previousSigningSecretCiphertext]
    .filter((sealed) => sealed !== null)
    .map((sealed) => secretBox.open(sealed, endpoint.endpointId));
}

function openSharedSecret(secretBox: SecretBox, endpoint: StoredEndpoint | undefined): string | null {
  if (!endpoint?.sendSharedSecret) return null;
  return secretBox.open(endpoint.sharedSecretCiphertext, endpoint.customerServerId);
}

/** The parser lower-cases hosts and drops default ports: what is the same place is the same text after it. */
function isSameUrl(left: string, right: string): boolean {
  return new URL(left).href === new URL(right).href;
}
