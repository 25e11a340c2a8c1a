import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';
import type { ReceivedRequest } from '../receiver/received-request.ts';
import type { CustomerServer } from './add-customer-server.ts';

/** Those of the guide, ours, those of Standard Webhooks, and what HTTP itself adds. */
const HEADERS = [
  'content-type',
  'x-vendor-server-secret',
  'x-webhook-event',
  'x-webhook-timestamp',
  'x-webhook-order-id',
  'user-agent',
  'x-webhook-attempt',
  'x-webhook-version',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'host',
  'connection',
  'content-length',
];

/** Looks at everything a receiver may rely on in the head of a webhook, and at its signature. */
export function expectWebhookHead(
  request: ReceivedRequest,
  { secret, signingSecret }: Pick<CustomerServer, 'secret' | 'signingSecret'>,
  expected: { orderId: string; version: number; attempt: number; deliveryId: string },
): void {
  const { headers } = request;
  expect(request.method).toBe('POST');
  expect(Object.keys(headers).sort()).toEqual([...HEADERS].sort());
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'x-vendor-server-secret': secret,
    'x-webhook-event': 'order.status_changed',
    'x-webhook-order-id': expected.orderId,
    'user-agent': 'VendorServer-Webhook/1.0',
    'x-webhook-attempt': String(expected.attempt),
    'x-webhook-version': String(expected.version),
    'webhook-id': expected.deliveryId,
    'content-length': String(request.body.length),
  });
  const timestamp = String(headers['x-webhook-timestamp']);
  expect(timestamp).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$/);
  const attemptedAt = Date.parse(timestamp);
  // Of this attempt, on a clock that is the receiver's here.
  expect(Math.abs(request.receivedAt - attemptedAt)).toBeLessThan(5_000);
  expect(headers['webhook-timestamp']).toBe(String(Math.floor(attemptedAt / 1000)));

  const webhook = new Webhook(signingSecret);
  const signed = headers as Record<string, string>;
  expect(webhook.verify(request.body, signed)).toEqual(request.json());
  expect(() => webhook.verify(`${request.body.toString()} `, signed)).toThrow('No matching signature');
}
