/** The credentials of the settings, while one value replaces the other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { createWebhookReceiver } from '../testing/create-webhook-receiver.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

const OLD_KEY = 'test-admin-key-old';
const NEW_KEY = 'test-admin-key-new';
const OLD_SECRET = 'test-partner-secret-old';
const NEW_SECRET = 'test-partner-secret-new';

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`admin:${key}`).toString('base64')}` });

describe.each([
  ['the new one first', `${NEW_KEY},${OLD_KEY}`, `${NEW_SECRET},${OLD_SECRET}`],
  ['the old one first', ` ${OLD_KEY} , ${NEW_KEY}`, ` ${OLD_SECRET} , ${NEW_SECRET}`],
])('with two values, %s', (_name, adminKeys, partnerSecrets) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi({ ADMIN_API_KEY: adminKeys, EXTERNAL_VENDOR_SECRET: partnerSecrets });
  });
  afterAll(() => api.close());

  const statusOf = async (method: 'GET' | 'POST', url: string, headers: object, payload?: object) =>
    (await api.app.inject({ method, url, headers: { ...headers }, ...(payload && { payload }) })).statusCode;

  test.each([OLD_KEY, NEW_KEY])('an operator is known by %s, as a token and in a browser', async (key) => {
    for (const url of ['/api/admin/orders', '/api/admin/customer-servers', '/metrics']) {
      expect(await statusOf('GET', url, bearer(key)), url).toBe(200);
      expect(await statusOf('GET', url, basic(key)), url).toBe(200);
    }
  });

  test.each([OLD_SECRET, NEW_SECRET])('a partner is known by %s', async (secret) => {
    const headers = { 'x-vendor-secret': secret };
    const url = '/api/external/vendor-update';
    expect(await statusOf('POST', url, headers, { vendorId: 'partner-1' })).toBe(200);
  });

  test.each([OLD_SECRET, NEW_SECRET])('a partner tests a webhook with %s', async (secret) => {
    const receiver = await createWebhookReceiver();
    try {
      const headers = { 'x-vendor-secret': secret };
      const payload = { webhookUrl: receiver.base };
      expect(await statusOf('POST', '/api/external/webhook-test', headers, payload)).toBe(200);
    } finally {
      receiver.close();
    }
  });

  test('a third value is nobody', async () => {
    for (const given of [adminKeys, 'test-admin-key', '']) {
      expect(await statusOf('GET', '/api/admin/orders', bearer(given))).toBe(401);
      expect(await statusOf('GET', '/api/admin/orders', basic(given))).toBe(401);
    }
    const headers = { 'x-vendor-secret': partnerSecrets };
    expect(await statusOf('POST', '/api/external/vendor-update', headers, { vendorId: 'a' })).toBe(401);
  });
});

describe('with one value again', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi({ ADMIN_API_KEY: NEW_KEY, EXTERNAL_VENDOR_SECRET: NEW_SECRET });
  });
  afterAll(() => api.close());

  test('the old ones are refused', async () => {
    const url = '/api/admin/orders';
    expect((await api.app.inject({ url, headers: bearer(OLD_KEY) })).statusCode).toBe(401);
    expect((await api.app.inject({ url, headers: bearer(NEW_KEY) })).statusCode).toBe(200);
  });

  test.each(['night-shift', 'José Müller', '夜勤 🌙', 'a name, with marks "and" more'])(
    'an operator called %s is named in the transition, the timeline and the log',
    async (name) => {
      const server = await api.addCustomerServer();
      const url = '/api/external/orders';
      const created = await api.app.inject({
        method: 'POST',
        url,
        headers: server.headers,
        payload: buildServiceOrder(),
      });
      const { orderId } = created.json().data;
      // As a client sends it: UTF-8, byte by byte.
      const onTheWire = Buffer.from(name, 'utf8').toString('latin1');
      const cancelled = await api.app.inject({
        method: 'POST',
        url: `/api/admin/orders/${orderId}/cancel`,
        headers: { ...bearer(NEW_KEY), 'x-operator': onTheWire, 'x-request-id': `cancel-${orderId}` },
      });
      expect(cancelled.statusCode).toBe(200);

      const transition = await api.database.prisma.orderTransition.findFirst({
        where: { orderId, version: 2 },
      });
      expect(transition).toMatchObject({ actorType: 'admin', actorId: name });
      const timeline = await api.app.inject({
        url: `/api/admin/orders/${orderId}/timeline`,
        headers: bearer(NEW_KEY),
      });
      expect(timeline.json().data.at(-1)).toMatchObject({ version: 2, actor: { type: 'admin', id: name } });
      const line = api.logLines.find(
        (each) => each.includes(`cancel-${orderId}`) && each.includes('Request handled'),
      );
      expect(JSON.parse(line ?? '{}')).toMatchObject({ operator: name });
    },
  );
});
