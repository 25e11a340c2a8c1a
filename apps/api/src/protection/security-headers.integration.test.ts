import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../app.ts';
import { BASIC } from '../testing/create-board-stage.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

test.each([
  '/livez',
  '/nothing',
  '/api/external/me',
  '/api/external/orders/%00',
  '/%ZZ',
  `/api/external/orders/${'a'.repeat(300)}`,
])('the answer of %s is nothing to run, frame or keep', async (url) => {
  const { headers } = await api.app.inject(url);
  expect(headers).toMatchObject({
    'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  expect(headers).not.toHaveProperty('strict-transport-security');
  expect(headers).not.toHaveProperty('x-powered-by');
});

test('a page sets its own policy', async () => {
  const app = buildApp(api.deps);
  // As plugins add pages: after the app's own plugins are loaded.
  app.register(async (pages) => {
    pages.get('/by-option', { helmet: { contentSecurityPolicy: false } }, async () => 'page');
    pages.get('/by-header', async (_request, reply) => {
      reply.headers({ 'content-security-policy': "default-src 'self'", 'cache-control': 'no-cache' });
      return 'page';
    });
  });
  const byOption = await app.inject('/by-option');
  expect(byOption.headers).not.toHaveProperty('content-security-policy');
  expect(byOption.headers['x-content-type-options']).toBe('nosniff');
  const byHeader = await app.inject('/by-header');
  expect(byHeader.headers).toMatchObject({
    'content-security-policy': "default-src 'self'",
    'cache-control': 'no-cache',
  });
  await app.close();
});

describe('a browser of another origin', () => {
  const origin = { origin: 'https://elsewhere.example' };

  test.each(['/livez', '/api/external/me', '/api/admin/orders'])('may not read %s', async (url) => {
    const { headers } = await api.app.inject({ url, headers: { ...api.operator, ...origin } });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test.each<[string, Record<string, string>]>([
    ['says where from', { 'sec-fetch-site': 'cross-site' }],
    ['says that it is of a neighbour', { 'sec-fetch-site': 'same-site' }],
    ['is an older one', origin],
    ['hides where from', { origin: 'null' }],
  ])('changes nothing with the password it remembers, when it %s', async (_how, from) => {
    const { id } = await api.addVendor();
    const url = `/api/admin/vendors/${id}/rotate-key`;
    const ask = (headers: Record<string, string>) => api.app.inject({ method: 'POST', url, headers });
    const refused = await ask({ authorization: BASIC, ...from });
    expect(refused.statusCode).toBe(401);
    // Not a challenge at which it would ask for the password that it has.
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="Vendor Server"');
    // A page cannot know the key.
    expect((await ask({ ...api.operator, ...from })).statusCode).toBe(200);
    const look = { url: '/api/admin/vendors', headers: { authorization: BASIC, ...from } };
    expect((await api.app.inject(look)).statusCode).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['a tool', {}],
    ['our own page', { 'sec-fetch-site': 'same-origin', origin: 'http://api.example' }],
    ['our own page in an older browser', { host: 'api.example', origin: 'http://api.example' }],
  ])('is not %s, which may', async (_who, from) => {
    const { id } = await api.addVendor();
    const url = `/api/admin/vendors/${id}/rotate-key`;
    const headers = { authorization: BASIC, ...from };
    expect((await api.app.inject({ method: 'POST', url, headers })).statusCode).toBe(200);
  });

  test('is not told that it may ask', async () => {
    const answer = await api.app.inject({
      method: 'OPTIONS',
      url: '/api/external/orders',
      headers: { ...origin, 'access-control-request-method': 'POST' },
    });
    expect(answer.statusCode).toBe(405);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});
