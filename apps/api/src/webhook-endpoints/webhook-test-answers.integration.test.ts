import { toStatusReason } from '@vendor-server/domain/deliveries/status-reason.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, PARTNER_SECRET, type TestApi } from '../testing/create-test-api.ts';
import { createWebhookReceiver, type WebhookReceiver } from '../testing/create-webhook-receiver.ts';

let api: TestApi;
let receiver: WebhookReceiver;

beforeAll(async () => {
  api = await createTestApi();
  receiver = await createWebhookReceiver();
});
afterEach(() => receiver.reset());
afterAll(async () => {
  receiver.close();
  await api.close();
});

function run(headers: Record<string, string>, payload: object) {
  return api.app.inject({ method: 'POST', url: '/api/external/webhook-test', headers, payload });
}

describe('failures', () => {
  test.each([
    [{ status: 401, body: '{"error":"Invalid webhook secret"}' }, { error: 'Invalid webhook secret' }],
    [{ status: 500, body: 'oops' }, 'oops'],
    [{ status: 302, body: '', headers: { location: '/elsewhere' } }, null],
  ])('an answer of %j is shown', async (given, data) => {
    receiver.answer = given;
    const { headers } = await api.addCustomerServer();
    const response = await run(headers, { webhookUrl: `${receiver.base}/failing` });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      success: false,
      error: 'Webhook connection test failed',
      details: expect.stringContaining(String(given.status)),
      reason: toStatusReason(given.status),
      response: { status: given.status, data },
    });
    expect(receiver.received).toHaveLength(1);
  });

  test('nobody listens: the reason, and no response', async () => {
    const server = await api.addCustomerServer();
    const response = await run(server.headers, { webhookUrl: 'http://127.0.0.1:1/hook' });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      success: false,
      error: 'Webhook connection test failed',
      details: expect.stringMatching(/\w/),
      reason: 'connection_refused',
    });
  });

  test('an address that is not to be reached is not reached', async () => {
    const server = await api.addCustomerServer();
    const response = await run(server.headers, { webhookUrl: 'http://10.0.0.1/hook' });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ success: false, reason: 'blocked_address' });
  });

  test('no answer within 5 seconds', async () => {
    const server = await api.addCustomerServer();
    receiver.answer = 'nothing';
    const begun = performance.now();
    const response = await run(server.headers, { webhookUrl: `${receiver.base}/silent` });
    const took = performance.now() - begun;
    expect(response.json()).toMatchObject({ success: false, reason: 'no_answer' });
    expect(response.json()).not.toHaveProperty('response');
    expect(took).toBeGreaterThan(4_900);
    expect(took).toBeLessThan(7_000);
  });
});

test.each([
  'not a url',
  '',
  'ftp://example.com/hook',
  'http://user:password@example.com/hook',
  'https://example.com/hook#part',
  7,
  {},
])('the URL %j is refused before anything is sent', async (webhookUrl) => {
  const server = await api.addCustomerServer();
  const response = await run(server.headers, { webhookUrl });
  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({
    error: 'validation error',
    details: [expect.stringMatching(/^webhookUrl must /)],
  });
});

describe('callers', () => {
  test.each<[Record<string, string>, string]>([
    [{}, 'missing vendor secret'],
    [{ 'x-vendor-secret': '' }, 'missing vendor secret'],
    [{ 'x-vendor-secret': 'wrong' }, 'invalid vendor secret'],
    [{ 'x-customer-secret': 'wrong' }, 'invalid vendor secret'],
    [{ 'x-vendor-server-secret': PARTNER_SECRET }, 'invalid vendor secret'],
    [{ authorization: 'Bearer test-admin-key-1' }, 'missing vendor secret'],
  ])('%j: %s', async (headers, error) => {
    const response = await run(headers, { webhookUrl: `${receiver.base}/own` });
    expect([response.statusCode, response.json().error]).toEqual([401, error]);
    expect(receiver.received).toEqual([]);
  });

  test('may test 30 times a minute, each for itself', async () => {
    const server = await api.addCustomerServer(`${receiver.base}/limited`);
    for (let count = 1; count <= 30; count += 1) {
      const response = await run(server.headers, {});
      expect(response.statusCode).toBe(200);
      expect(response.headers['ratelimit-remaining']).toBe(String(30 - count));
    }
    const refused = await run(server.headers, {});
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toMatchObject({ ok: false, code: 'rate_limited' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers).toMatchObject({ 'ratelimit-limit': '30', 'ratelimit-remaining': '0' });
    expect(receiver.received).toHaveLength(30);
    const other = await api.addCustomerServer(`${receiver.base}/other`);
    expect((await run(other.headers, {})).statusCode).toBe(200);
  });
});

test('no secret reaches the log, with DEBUG_WEBHOOKS neither', async () => {
  const other = await createTestApi({ DEBUG_WEBHOOKS: '1' });
  try {
    const server = await other.addCustomerServer(`${receiver.base}/debug?token=test-url-token`);
    receiver.answer = { status: 200, body: `${server.secret} is right` };
    const response = await other.app.inject({
      method: 'POST',
      url: '/api/external/webhook-test',
      headers: server.headers,
    });
    expect(response.statusCode).toBe(200);
    const log = other.logLines.join('');
    expect(log).toContain('Webhook connection tested');
    expect(log).toContain('webhook test exchange');
    expect(log).toContain('[redacted] is right');
    expect(log).not.toContain(server.secret);
    expect(receiver.received[0]?.url).toBe('/debug?token=test-url-token');
    expect(log).not.toContain('test-url-token');
    expect(log).not.toContain(receiver.received[0]?.headers['webhook-signature']);
  } finally {
    await other.close();
  }
});
