import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, OPERATOR_KEY, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ ADMIN_API_KEY: `${OPERATOR_KEY},test-admin-key-2` });
});
afterAll(() => api.close());

async function ask(url: string, headers: Record<string, string> = {}) {
  const answer = await api.app.inject({ url, headers });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

const MISSING = 'Authentication required: Missing x-customer-secret header';
const INVALID = 'Authentication failed: Invalid x-customer-secret';

describe('a customer server', () => {
  test.each(['x-customer-secret', 'x-vendor-server-secret'])('is known by %s', async (name) => {
    const { id, secret } = await api.addCustomerServer();
    const answer = await ask('/api/external/me', { [name]: secret });
    expect(answer).toMatchObject({ status: 200, body: { data: { customerServerId: id } } });
  });

  test.each([
    ['nothing', {}, MISSING],
    ['an empty secret', { 'x-customer-secret': '' }, MISSING],
    ['a wrong secret', { 'x-customer-secret': 'test-wrong' }, INVALID],
    ['a wrong secret by the other name', { 'x-vendor-server-secret': 'test-wrong' }, INVALID],
    ['a secret with odd bytes', { 'x-customer-secret': 'é%00ÿ' }, INVALID],
    ['a secret of 8 KiB', { 'x-customer-secret': 'x'.repeat(8192) }, INVALID],
  ])('that sends %s is told so', async (_name, headers, error) => {
    const answer = await ask('/api/external/me', headers);
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({ ok: false, error, code: 'unauthorized', requestId: expect.any(String) });
  });

  test('is told so before its body is looked at', async () => {
    const answer = await api.app.inject({
      method: 'POST',
      url: '/api/external/orders',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    });
    expect(answer.statusCode).toBe(401);
  });

  test('is known by both secrets while they overlap, and then by the new one', async () => {
    const { id, secret } = await api.addCustomerServer();
    const { secretHash } = await api.database.prisma.customerServer.findUniqueOrThrow({ where: { id } });
    const setOverlap = async (until: Date) => {
      await api.database.prisma.customerServer.update({
        where: { id },
        data: { secretHash: `rotated-${id}`, previousSecretHash: secretHash, secretOverlapUntil: until },
      });
      // As a rotation does. That an overlap ends by itself: create-credentials.integration.test.ts.
      await api.deps.credentials.forget();
    };

    await setOverlap(new Date(Date.now() + 60_000));
    expect((await ask('/api/external/me', { 'x-customer-secret': secret })).status).toBe(200);
    await setOverlap(new Date(Date.now() - 60_000));
    expect((await ask('/api/external/me', { 'x-customer-secret': secret })).body.error).toBe(INVALID);
  });
});

describe('an operator', () => {
  const url = '/api/admin/orders';
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  test.each([
    ['the key', { authorization: `Bearer ${OPERATOR_KEY}` }],
    ['the second key while rotating', { authorization: 'Bearer test-admin-key-2' }],
    ['HTTP Basic', basic(`admin:${OPERATOR_KEY}`)],
  ])('is known by %s', async (_name, headers) => {
    expect((await ask(url, headers)).status).toBe(200);
  });

  test.each([
    ['nothing', {}],
    ['another scheme', { authorization: `Digest ${OPERATOR_KEY}` }],
    ['a wrong key', { authorization: 'Bearer test-wrong' }],
    ['a wrong user', basic(`root:${OPERATOR_KEY}`)],
    ['a wrong password', basic('admin:test-wrong')],
    ['no password', basic('admin')],
    ['both keys at once', { authorization: `Bearer ${OPERATOR_KEY},test-admin-key-2` }],
  ])('that sends %s is asked for a credential', async (_name, headers) => {
    const answer = await ask(url, headers);
    expect(answer).toMatchObject({ status: 401, body: { ok: false, code: 'unauthorized' } });
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /);
  });

  test('is not a customer server, and the other way round', async () => {
    const { headers } = await api.addCustomerServer();
    expect((await ask(url, headers)).status).toBe(401);
    expect((await ask('/api/external/me', api.operator)).status).toBe(401);
  });

  test.each(['x'.repeat(101), 'a\u0001b', '\xff\xfe'])('cannot be called %j', async (name) => {
    const answer = await ask(url, { ...api.operator, 'x-operator': name });
    expect(answer.body.details).toEqual([
      'header x-operator must be a name of at most 100 printable characters, not "system"',
    ]);
  });
});

describe('a vendor', () => {
  test('is known by its key', async () => {
    const { headers } = await api.addVendor();
    expect((await ask('/api/vendor/me', headers)).status).toBe(200);
  });

  test.each([{}, { authorization: 'Bearer test-wrong' }, { authorization: `Bearer ${OPERATOR_KEY}` }])(
    'that sends %j is asked for a credential',
    async (headers) => {
      const answer = await ask('/api/vendor/me', headers);
      expect(answer).toMatchObject({ status: 401, body: { ok: false, code: 'unauthorized' } });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    },
  );
});

test('no credential is written to the log', async () => {
  const { secret } = await api.addCustomerServer();
  const vendor = await api.addVendor();
  await ask('/api/external/me', { 'x-customer-secret': secret });
  await ask('/api/vendor/me', vendor.headers);
  await ask('/api/admin/orders', api.operator);
  const log = api.logLines.join('');
  expect(log).toContain('Request handled');
  for (const value of [secret, vendor.headers.authorization?.slice(7) ?? '?', OPERATOR_KEY]) {
    expect(log).not.toContain(value);
  }
});
