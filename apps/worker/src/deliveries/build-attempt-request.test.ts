import { randomBytes } from 'node:crypto';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { buildAttemptRequest } from './build-attempt-request.ts';
import type { ClaimedDelivery } from './claim-sql.ts';

const secretBox = createSecretBox({ current: randomBytes(32), previous: null });
const [secret, previousSecret] = [createSigningSecret(randomBytes(32)), createSigningSecret(randomBytes(32))];
const body = '{"orderId":"0190aaaaaaaabbbbbbbb0003","note":"naïve ✓"}';

function createClaimed(part: Partial<ClaimedDelivery> = {}): ClaimedDelivery {
  const endpointId = '0190aaaaaaaabbbbbbbb0001';
  return {
    askedAt: 0,
    deliveryId: '0190aaaaaaaabbbbbbbb0002',
    customerServerId: '0190aaaaaaaabbbbbbbb0004',
    orderId: '0190aaaaaaaabbbbbbbb0003',
    orderVersion: 5,
    changedAt: new Date(),
    openedBy: 'change',
    status: 'in_progress',
    previousStatus: 'accepted',
    requestId: null,
    traceparent: null,
    body,
    attemptedAt: new Date(),
    attemptNumber: 2,
    budgetUsed: 1,
    isProbe: false,
    window: 16,
    windowChangedAt: new Date('2026-11-25T00:00:00.000Z'),
    endpointId,
    url: 'https://customer.example/updates',
    timeoutMs: 10_000,
    retryDelaysMs: null,
    signingSecretCiphertext: secretBox.seal(secret, endpointId),
    previousSigningSecretCiphertext: null,
    sharedSecretCiphertext: null,
    sharedSecretIs: null,
    sharedSecretHash: null,
    refusedSecretHash: null,
    usesOtherSecret: false,
    wantsLatestOnly: false,
    isSuccessNews: false,
    ...part,
  };
}

test('is signed with the endpoint’s secret, at the time of the attempt, over the frozen bytes', () => {
  const claimed = createClaimed();
  const request = buildAttemptRequest(secretBox, claimed, null);
  expect(request).toMatchObject({ url: claimed.url, body });
  expect(new Webhook(secret).verify(request.body, request.headers)).toEqual(JSON.parse(body));
  expect(request.headers).toMatchObject({
    'webhook-id': claimed.deliveryId,
    'x-webhook-timestamp': claimed.attemptedAt.toISOString(),
    'x-webhook-attempt': '2',
    'x-webhook-version': '5',
    'x-webhook-order-id': claimed.orderId,
  });
  expect(request.headers).not.toHaveProperty('x-vendor-server-secret');
});

test('is signed with both secrets while one replaces the other', () => {
  const sealed = secretBox.seal(previousSecret, '0190aaaaaaaabbbbbbbb0001');
  const { headers } = buildAttemptRequest(
    secretBox,
    createClaimed({ previousSigningSecretCiphertext: sealed }),
    null,
  );
  for (const each of [secret, previousSecret]) expect(new Webhook(each).verify(body, headers)).toBeTruthy();
});

test('carries the shared secret where the endpoint gets it', () => {
  const sealed = secretBox.seal('test-customer-secret-1', '0190aaaaaaaabbbbbbbb0004');
  const { headers } = buildAttemptRequest(secretBox, createClaimed({ sharedSecretCiphertext: sealed }), null);
  expect(headers['x-vendor-server-secret']).toBe('test-customer-secret-1');
});

test('opens no secret that was sealed for another row', () => {
  const sealed = secretBox.seal(secret, '0190aaaaaaaabbbbbbbb9999');
  expect(() =>
    buildAttemptRequest(secretBox, createClaimed({ signingSecretCiphertext: sealed }), null),
  ).toThrow('secret');
});
