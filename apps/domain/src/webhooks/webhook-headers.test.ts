import { expect, it } from 'vitest';
import { signWebhook } from './sign-webhook.ts';
import { buildWebhookHeaders } from './webhook-headers.ts';

const SIGNING_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const input = {
  event: 'order.status_changed',
  deliveryId: '018c2f6a3b1c9f0e2d4b6a8c',
  orderId: '64a7b2c8f9e4d1a2b3c4d5e6',
  version: 3,
  attemptNumber: 2,
  attemptedAt: new Date('2023-12-04T10:30:00.987Z'),
  body: '{"orderId":"64a7b2c8f9e4d1a2b3c4d5e6"}',
  signingSecrets: [SIGNING_SECRET],
  sharedSecret: 'test-customer-secret-1',
  traceparent: null,
} as const;

it("has the guide's headers, the attempt's own and those of Standard Webhooks", () => {
  expect(buildWebhookHeaders(input)).toEqual({
    'content-type': 'application/json',
    'x-vendor-server-secret': 'test-customer-secret-1',
    'x-webhook-event': 'order.status_changed',
    'x-webhook-timestamp': '2023-12-04T10:30:00.987Z',
    'x-webhook-order-id': '64a7b2c8f9e4d1a2b3c4d5e6',
    'user-agent': 'VendorServer-Webhook/1.0',
    'x-webhook-attempt': '2',
    'x-webhook-version': '3',
    'webhook-id': '018c2f6a3b1c9f0e2d4b6a8c',
    'webhook-timestamp': '1701685800',
    'webhook-signature': signWebhook([SIGNING_SECRET], input.deliveryId, 1701685800, input.body),
  });
});

it('carries the trace of the attempt, and of a trace nothing else', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const headers = buildWebhookHeaders({ ...input, traceparent });
  expect(headers).toEqual({ ...buildWebhookHeaders(input), traceparent });
});

it('keeps the shared secret from endpoints that are not to have it', () => {
  expect(buildWebhookHeaders({ ...input, sharedSecret: null })).not.toHaveProperty('x-vendor-server-secret');
});

it('names no order in an event that is about none', () => {
  const headers = buildWebhookHeaders({ ...input, event: 'connection.test', orderId: null, version: null });
  expect(headers).toMatchObject({ 'x-webhook-event': 'connection.test' });
  expect(headers).not.toHaveProperty('x-webhook-order-id');
  expect(headers).not.toHaveProperty('x-webhook-version');
});
