import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { createSigningSecret, signWebhook } from './sign-webhook.ts';

const secrets = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(createSigningSecret);
const ID = '018c2f6a3b1c9f0e2d4b6a8c';

/** Judged by the independent implementation of Standard Webhooks. */
function isAccepted(secret: string, signature: string, body: string, timestampSeconds: number): boolean {
  const headers = {
    'webhook-id': ID,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signature,
  };
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

describe('signWebhook', () => {
  it('gives the published example of Standard Webhooks', () => {
    const signature = signWebhook(
      ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
    );
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is accepted by an independent verifier, and only unchanged', () => {
    fc.assert(
      fc.property(secrets, secrets, fc.json(), (secret, otherSecret, body) => {
        fc.pre(secret !== otherSecret);
        const seconds = Math.floor(Date.now() / 1000);
        const signature = signWebhook([secret], ID, seconds, body);
        expect(isAccepted(secret, signature, body, seconds)).toBe(true);
        expect(isAccepted(secret, signature, `${body} `, seconds)).toBe(false);
        expect(isAccepted(secret, signature, body, seconds - 1)).toBe(false);
        expect(isAccepted(otherSecret, signature, body, seconds)).toBe(false);
      }),
    );
  });

  it('signs UTF-8 bytes', () => {
    const secret = createSigningSecret(new Uint8Array(24).fill(7));
    const body = '{"address":"Straße 1, 東京 🏠"}';
    const seconds = Math.floor(Date.now() / 1000);
    expect(isAccepted(secret, signWebhook([secret], ID, seconds, body), body, seconds)).toBe(true);
  });

  it('with two secrets is accepted by receivers that know either', () => {
    const [current, previous] = [1, 2].map((byte) => createSigningSecret(new Uint8Array(32).fill(byte)));
    if (current === undefined || previous === undefined) throw new Error('no secrets');
    const seconds = Math.floor(Date.now() / 1000);
    const signature = signWebhook([current, previous], ID, seconds, '{}');
    expect(signature.split(' ')).toHaveLength(2);
    expect(isAccepted(current, signature, '{}', seconds)).toBe(true);
    expect(isAccepted(previous, signature, '{}', seconds)).toBe(true);
  });

  it('refuses to go out unsigned', () => {
    expect(() => signWebhook([], ID, 0, '{}')).toThrow(/at least one/);
  });

  it.each([
    'test-secret-1',
    `whsec_${'A'.repeat(28)}`,
    `whsec_${'A'.repeat(88)}`,
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La*LaSw',
  ])('refuses the secret %s without showing it', (secret) => {
    expect(() => signWebhook([secret], ID, 0, '{}')).toThrow('a signing secret must be whsec_');
    expect(() => signWebhook([secret], ID, 0, '{}')).not.toThrow(secret);
  });
});

describe('createSigningSecret', () => {
  it('is whsec_ and base64', () => {
    expect(createSigningSecret(new Uint8Array(24).fill(0xff))).toBe(`whsec_${'/'.repeat(32)}`);
  });

  it.each([0, 23, 65])('refuses %i bytes', (length) => {
    expect(() => createSigningSecret(new Uint8Array(length))).toThrow(RangeError);
  });
});
