import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkWebhook } from './check-webhook.ts';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const KEY = Buffer.alloc(32, 7);
const SIGNING_SECRET = `whsec_${KEY.toString('base64')}`;
const BODY = '{"orderId":"0190aaaaaaaabbbbbbbbcccc"}';
const SIGNATURE = `v1,${createHmac('sha256', KEY).update(`delivery-1.1767268800.${BODY}`).digest('base64')}`;
const HEADERS = {
  'x-vendor-server-secret': 'test-customer-secret-1',
  'x-webhook-timestamp': '2026-01-01T12:00:00.000Z',
  'webhook-id': 'delivery-1',
  'webhook-timestamp': '1767268800',
  'webhook-signature': SIGNATURE,
};
const EXPECTED = { secret: 'test-customer-secret-1', signingSecret: SIGNING_SECRET };

function check(
  headers: Record<string, string | undefined>,
  body = BODY,
  expected: Parameters<typeof checkWebhook>[1] = EXPECTED,
) {
  return checkWebhook({ headers: { ...HEADERS, ...headers }, body }, expected, NOW);
}

describe('checkWebhook', () => {
  test('a true webhook', () => {
    expect(check({})).toEqual({ secret: 'right', signature: 'right', timestamp: 'right' });
  });

  test('one of several signatures is enough', () => {
    expect(check({ 'webhook-signature': `v1,AAAA ${SIGNATURE}` }).signature).toBe('right');
  });

  test.each([
    [{ 'x-vendor-server-secret': 'test-customer-secret-2' }, { secret: 'wrong' }],
    [{ 'x-vendor-server-secret': undefined }, { secret: 'missing' }],
    [{ 'webhook-id': 'delivery-2' }, { signature: 'wrong' }],
    [{ 'webhook-timestamp': '1767268801' }, { signature: 'wrong' }],
    [{ 'webhook-timestamp': 'soon' }, { signature: 'wrong' }],
    [{ 'webhook-signature': 'v1,AAAA' }, { signature: 'wrong' }],
    [{ 'webhook-signature': undefined }, { signature: 'missing' }],
    [{ 'x-webhook-timestamp': '2026-01-01T11:54:59.000Z' }, { timestamp: 'wrong' }],
    [{ 'x-webhook-timestamp': 'soon' }, { timestamp: 'wrong' }],
    [{ 'x-webhook-timestamp': undefined }, { timestamp: 'missing' }],
  ])('headers %j make %j', (headers, expected) => {
    expect(check(headers)).toMatchObject(expected);
  });

  test('a changed body does not match its signature', () => {
    expect(check({}, `${BODY} `).signature).toBe('wrong');
  });

  test('what is not known is not checked', () => {
    expect(check({}, BODY, { secret: null, signingSecret: null })).toMatchObject({
      secret: 'not checked',
      signature: 'not checked',
    });
  });
});
