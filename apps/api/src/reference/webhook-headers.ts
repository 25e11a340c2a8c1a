/** The headers of webhooks, as `buildWebhookHeaders` makes them; `content-type` is said with the body. */
import type { WebhookEvent } from '@vendor-server/domain/webhooks/webhook-headers.ts';
import { EXAMPLE_ORDER } from '../orders/example-order.ts';
import { timeField } from '../schemas/answer-schemas.ts';
import { type JsonSchema, toAnswerSchema } from './to-json-schema.ts';

export interface WebhookHeader {
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example: string;
  /** Sent with every webhook of the event. */
  readonly required: boolean;
}

const ID = { type: 'string', pattern: '^[0-9a-f]{24}$' };
export const EXAMPLE_ATTEMPT_TIME = '2023-12-04T10:30:00.120Z';

/** Those of every event, by name. */
export function commonHeaders(event: WebhookEvent): Record<string, WebhookHeader> {
  return {
    'x-vendor-server-secret': {
      description:
        'The shared secret, the one you prove yourself with. Sent to endpoints whose `sendSharedSecret` is true; the ' +
        'others verify the signature.',
      schema: { type: 'string' },
      example: 'your-secret-key-here',
      required: false,
    },
    'x-webhook-event': {
      description: 'What it is about.',
      schema: { type: 'string', const: event },
      example: event,
      required: true,
    },
    'x-webhook-timestamp': {
      description: 'When this attempt was made, a retry included: reject what is older than 5 minutes.',
      schema: toAnswerSchema(timeField('RFC 3339, UTC, milliseconds.')),
      example: EXAMPLE_ATTEMPT_TIME,
      required: true,
    },
    'x-webhook-attempt': {
      description: 'The number of this attempt, from 1; it goes on with a resend.',
      schema: { type: 'string', pattern: '^[1-9]\\d*$' },
      example: '1',
      required: true,
    },
    'webhook-id': {
      description:
        'The id of the delivery, the same on every attempt and resend: what you have processed, skip.',
      schema: ID,
      example: '64a7b2c8f9e4d1a2b3c4d5ea',
      required: true,
    },
    'webhook-timestamp': {
      description: 'The time of this attempt as Unix time in seconds; it is signed.',
      schema: { type: 'string', pattern: '^\\d{10}$' },
      example: String(Math.floor(Date.parse(EXAMPLE_ATTEMPT_TIME) / 1000)),
      required: true,
    },
    'webhook-signature': {
      description:
        'Standard Webhooks 1.0: `v1,` and the base64 of an HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, ' +
        'with the key in your `whsec_` secret. Several, separated by blanks, while a secret is rotated: one of them ' +
        'has to fit.',
      schema: { type: 'string', pattern: '^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$' },
      example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
      required: true,
    },
    'user-agent': {
      description: 'Who is sending.',
      schema: { type: 'string', const: 'VendorServer-Webhook/1.0' },
      example: 'VendorServer-Webhook/1.0',
      required: true,
    },
  };
}

/** Those of an event that is about an order, besides. */
export const ORDER_HEADERS: Record<string, WebhookHeader> = {
  'x-webhook-order-id': {
    description: 'The `orderId` of the body.',
    schema: ID,
    example: EXAMPLE_ORDER.orderId,
    required: true,
  },
  'x-webhook-version': {
    description: 'The `version` of the body: ignore what is lower than you have seen for the order.',
    schema: { type: 'string', pattern: '^[1-9]\\d*$' },
    example: String(EXAMPLE_ORDER.version),
    required: true,
  },
  traceparent: {
    description:
      'W3C Trace Context: the attempt, where this installation keeps traces; else what came with the request that ' +
      'made the change, if anything.',
    schema: { type: 'string' },
    example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    required: false,
  },
};
