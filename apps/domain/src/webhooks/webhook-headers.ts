import { signWebhook } from './sign-webhook.ts';

export type WebhookEvent = 'order.status_changed' | 'connection.test';

export interface WebhookHeadersInput {
  event: WebhookEvent;
  /** Becomes `webhook-id`: the same on every attempt and resend. */
  deliveryId: string;
  /** Null for an event that is about no order; its headers are then left out. */
  orderId: string | null;
  version: number | null;
  /** From 1. */
  attemptNumber: number;
  /** The attempt's time, not the change's: receivers reject what is older than 5 minutes, retries included. */
  attemptedAt: Date;
  body: string;
  /** `whsec_` secrets, at least one; two while one replaces the other. */
  signingSecrets: readonly string[];
  /** Null when the endpoint is not sent the shared secret. */
  sharedSecret: string | null;
  /** W3C Trace Context of the attempt; null when nobody traces. */
  traceparent: string | null;
}

/**
 * The headers of one attempt: those of the integration guide's "Headers", our attempt and version, those of
 * Standard Webhooks 1.0, and `traceparent`. Of a trace nothing else goes to receivers: no `tracestate`, no baggage.
 * Names are in lower case. Throws as `signWebhook` does.
 */
export function buildWebhookHeaders(input: WebhookHeadersInput): Record<string, string> {
  const timestampSeconds = Math.floor(input.attemptedAt.getTime() / 1000);
  return {
    'content-type': 'application/json',
    ...(input.sharedSecret === null ? {} : { 'x-vendor-server-secret': input.sharedSecret }),
    'x-webhook-event': input.event,
    'x-webhook-timestamp': input.attemptedAt.toISOString(),
    ...(input.orderId === null ? {} : { 'x-webhook-order-id': input.orderId }),
    'user-agent': 'VendorServer-Webhook/1.0',
    'x-webhook-attempt': String(input.attemptNumber),
    ...(input.version === null ? {} : { 'x-webhook-version': String(input.version) }),
    'webhook-id': input.deliveryId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signWebhook(input.signingSecrets, input.deliveryId, timestampSeconds, input.body),
    ...(input.traceparent === null ? {} : { traceparent: input.traceparent }),
  };
}
