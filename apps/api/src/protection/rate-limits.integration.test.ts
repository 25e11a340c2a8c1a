import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createTestApi, PARTNER_SECRET, type TestApi } from '../testing/create-test-api.ts';

const LIMITS = {
  RATE_LIMIT_PER_MINUTE: '5',
  RATE_LIMIT_VENDOR_PER_MINUTE: '3',
  RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: '4',
};

let base: TestApi;
beforeAll(async () => {
  base = await createTestApi();
});
afterAll(() => base.close());

/** With counts of its own. */
async function createLimitedApi(env: Record<string, string> = {}) {
  const api = await createTestApi({ ...LIMITS, ...env }, base);
  onTestFinished(() => api.close());
  return api;
}

/** Statuses of the same request again and again. */
async function repeat(api: TestApi, request: InjectOptions, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) statuses.push((await api.app.inject(request)).statusCode);
  return statuses;
}

const RATE_LIMITED = {
  ok: false,
  error: expect.any(String),
  code: 'rate_limited',
  requestId: expect.any(String),
};

describe('requests of one caller', () => {
  test('are counted down in the headers, and refused beyond the limit', async () => {
    const api = await createLimitedApi();
    const { headers } = await api.addCustomerServer();
    const request = { url: '/api/external/me', headers };
    const first = await api.app.inject(request);
    expect(first.headers).toMatchObject({ 'ratelimit-limit': '5', 'ratelimit-remaining': '4' });
    expect(Number(first.headers['ratelimit-reset'])).toBeGreaterThan(50);
    expect(await repeat(api, request, 4)).toEqual([200, 200, 200, 200]);
    const refused = await api.app.inject(request);
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toEqual(RATE_LIMITED);
    expect(refused.headers).toMatchObject({ 'ratelimit-limit': '5', 'ratelimit-remaining': '0' });
    expect(refused.headers['retry-after']).toBe(refused.headers['ratelimit-reset']);
    // Another one is not concerned, and what needs no credential is not counted.
    const other = await api.addCustomerServer();
    expect(await repeat(api, { url: '/api/external/me', headers: other.headers }, 1)).toEqual([200]);
    const open = await api.app.inject('/livez');
    expect(open.headers).not.toHaveProperty('ratelimit-limit');
  });

  test('count together whatever they ask for, and by whichever name the secret comes', async () => {
    const api = await createLimitedApi();
    const { headers, secret } = await api.addCustomerServer();
    await repeat(api, { url: '/api/external/orders', headers }, 3);
    await repeat(api, { url: '/api/external/orders?unknown=1', headers }, 1);
    const asked = { url: '/api/external/me', headers: { 'x-vendor-server-secret': secret } };
    expect(await repeat(api, asked, 2)).toEqual([200, 429]);
  });

  test('have a limit of their own when it is a vendor', async () => {
    const api = await createLimitedApi();
    const { headers } = await api.addVendor();
    expect(await repeat(api, { url: '/api/vendor/me', headers }, 4)).toEqual([200, 200, 200, 429]);
  });

  test.each([
    ['partner', { method: 'POST' as const, url: '/api/external/vendor-update', payload: { vendorId: 'v1' } }],
    ['operator', { method: 'GET' as const, url: '/api/admin/orders' }],
  ])('are limited for the %s', async (caller, request) => {
    const api = await createLimitedApi();
    const headers = caller === 'partner' ? { 'x-vendor-secret': PARTNER_SECRET } : api.operator;
    expect(await repeat(api, { ...request, headers }, 6)).toEqual([200, 200, 200, 200, 200, 429]);
  });

  test('are not limited by 0', async () => {
    const api = await createLimitedApi({ RATE_LIMIT_PER_MINUTE: '0' });
    const { headers } = await api.addCustomerServer();
    const statuses = await repeat(api, { url: '/api/external/me', headers }, 20);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const answer = await api.app.inject({ url: '/api/external/me', headers });
    expect(answer.headers).not.toHaveProperty('ratelimit-limit');
  });
});

describe('wrong credentials', () => {
  const wrong: [string, InjectOptions][] = [
    ['customer server', { url: '/api/external/me', headers: { 'x-customer-secret': 'wrong' } }],
    ['vendor', { url: '/api/vendor/me', headers: { authorization: 'Bearer wrong' } }],
    ['operator', { url: '/api/admin/orders', headers: { authorization: 'Bearer wrong' } }],
    [
      'partner',
      { method: 'POST', url: '/api/external/vendor-update', headers: { 'x-vendor-secret': 'wrong' } },
    ],
    [
      'webhook test',
      { method: 'POST', url: '/api/external/webhook-test', headers: { 'x-customer-secret': 'wrong' } },
    ],
    [
      'webhook test that also sends an empty secret of a partner',
      {
        method: 'POST',
        url: '/api/external/webhook-test',
        headers: { 'x-customer-secret': 'wrong', 'x-vendor-secret': '' },
      },
    ],
  ];

  test.each(wrong)('of a %s are refused as such beyond the limit', async (_caller, request) => {
    const api = await createLimitedApi();
    expect(await repeat(api, request, 6)).toEqual([401, 401, 401, 401, 429, 429]);
    const refused = await api.app.inject(request);
    expect(refused.json()).toEqual(RATE_LIMITED);
    expect(refused.headers).toMatchObject({ 'ratelimit-limit': '4', 'ratelimit-remaining': '0' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('of all kinds count together, and right ones still pass', async () => {
    const api = await createLimitedApi();
    for (const [, request] of wrong) await api.app.inject(request);
    for (const [, request] of wrong) expect(await repeat(api, request, 1)).toEqual([429]);
    const customerServer = await api.addCustomerServer();
    const vendor = await api.addVendor();
    for (const right of [
      { url: '/api/external/me', headers: customerServer.headers },
      { url: '/api/vendor/me', headers: vendor.headers },
      { url: '/api/admin/orders', headers: api.operator },
    ]) {
      expect(await repeat(api, right, 1)).toEqual([200]);
    }
    // Nobody guesses by sending nothing.
    expect(await repeat(api, { url: '/api/external/me' }, 1)).toEqual([401]);
  });

  test('count per address, of IPv6 per site, and through trusted proxies only', async () => {
    const from = (remoteAddress: string, forwardedFor?: string): InjectOptions => ({
      url: '/api/admin/orders',
      headers: {
        authorization: 'Bearer wrong',
        ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }),
      },
      remoteAddress,
    });
    const api = await createLimitedApi({ TRUST_PROXY: '192.0.2.0/24' });
    for (let host = 1; host <= 4; host += 1) await api.app.inject(from(`2001:db8:0:1::${host}`));
    expect(await repeat(api, from('2001:db8:0:1:ffff::9'), 1)).toEqual([429]);
    expect(await repeat(api, from('2001:db8:0:2::1'), 1)).toEqual([401]);
    for (let caller = 1; caller <= 4; caller += 1) {
      expect(await repeat(api, from('198.51.100.1', `203.0.113.${caller}`), 1)).toEqual([401]);
    }
    expect(await repeat(api, from('198.51.100.1', '203.0.113.5'), 1)).toEqual([429]);
    expect(await repeat(api, from('192.0.2.1', '203.0.113.5'), 5)).toEqual([401, 401, 401, 401, 429]);
    expect(await repeat(api, from('192.0.2.1', '203.0.113.6'), 1)).toEqual([401]);
  });

  test('count by what the one proxy says that is trusted by "on", not by what callers add before it', async () => {
    const api = await createLimitedApi({ TRUST_PROXY: 'on' });
    const from = (forwardedFor: string): InjectOptions => ({
      url: '/api/admin/orders',
      headers: { authorization: 'Bearer wrong', 'x-forwarded-for': forwardedFor },
    });
    for (let made = 1; made <= 4; made += 1) {
      expect(await repeat(api, from(`203.0.113.${made}, 198.51.100.1`), 1)).toEqual([401]);
    }
    expect(await repeat(api, from('203.0.113.5, 198.51.100.1'), 1)).toEqual([429]);
    expect(await repeat(api, from('203.0.113.5, 198.51.100.2'), 1)).toEqual([401]);
  });

  test('are not limited by 0', async () => {
    const api = await createLimitedApi({ RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: '0' });
    const request = { url: '/api/admin/orders', headers: { authorization: 'Bearer wrong' } };
    expect(new Set(await repeat(api, request, 40))).toEqual(new Set([401]));
  });
});

const redisUrl = testRedisUrl();

describe.skipIf(redisUrl === null)('API processes on one Redis (skipped without redis-server)', () => {
  let first: TestApi;
  let second: TestApi;
  beforeAll(async () => {
    const env = { REDIS_URL: redisUrl ?? '', RATE_LIMIT_PER_MINUTE: '40' };
    first = await createTestApi({ ...LIMITS, ...env });
    second = await createTestApi({ ...LIMITS, ...env }, first);
  });
  afterAll(async () => {
    await second.close();
    await first.close();
  });

  test('share the limit of a caller', async () => {
    const { headers } = await first.addCustomerServer();
    const request = { url: '/api/external/me', headers };
    expect(new Set(await repeat(first, request, 30))).toEqual(new Set([200]));
    await vi.waitFor(
      async () => {
        const { headers: seen } = await second.app.inject(request);
        expect(Number(seen['ratelimit-remaining'])).toBeLessThan(10);
      },
      { timeout: 5_000, interval: 50 },
    );
    await vi.waitFor(async () => expect((await first.app.inject(request)).statusCode).toBe(429));
  });

  test('share the webhook tests of a caller', async () => {
    const { headers } = await first.addCustomerServer();
    const payload = { webhookUrl: 'http://127.0.0.1:1/nobody' };
    const request = { method: 'POST', url: '/api/external/webhook-test', headers, payload } as const;
    expect(new Set(await repeat(first, request, 30))).toEqual(new Set([400]));
    await vi.waitFor(async () => expect(await repeat(second, request, 1)).toEqual([429]), {
      timeout: 5_000,
      interval: 50,
    });
  });

  test('share the count of wrong credentials', async () => {
    const request = { url: '/api/admin/orders', headers: { authorization: 'Bearer wrong' } };
    await repeat(first, request, 5);
    await vi.waitFor(async () => expect(await repeat(second, request, 1)).toEqual([429]), { interval: 50 });
    expect(await repeat(second, { ...request, headers: second.operator }, 1)).toEqual([200]);
  });
});

test('no credential is part of what is counted', async () => {
  const api = await createLimitedApi();
  const counted = vi.spyOn(api.deps.useCounter, 'count');
  const { id, secret, headers } = await api.addCustomerServer();
  const vendor = await api.addVendor();
  const requests: InjectOptions[] = [
    { url: '/api/external/me', headers },
    { method: 'POST', url: '/api/external/webhook-test', headers },
    { method: 'POST', url: '/api/external/vendor-update', headers: { 'x-vendor-secret': PARTNER_SECRET } },
    { url: '/api/vendor/me', headers: vendor.headers },
    { url: '/api/admin/orders', headers: api.operator },
    { url: '/api/external/me', headers: { 'x-customer-secret': 'test-wrong-secret' } },
  ];
  for (const request of requests) await api.app.inject(request);
  expect(counted.mock.calls.map(([key]) => key)).toEqual([
    `requests:customer-server:${id}`,
    `webhook-tests:customer-server:${id}`,
    'requests:partner',
    `requests:vendor:${vendor.id}`,
    'requests:operator',
    'wrong-credentials:127.0.0.1',
  ]);
  expect(JSON.stringify(counted.mock.calls)).not.toContain(secret);
});
