import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import { createDefaultCustomerServer } from '@vendor-server/platform/customer-servers/create-customer-server.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, PARTNER_SECRET, type TestApi } from '../testing/create-test-api.ts';
import {
  createWebhookReceiver,
  isSignedWith,
  type WebhookReceiver,
} from '../testing/create-webhook-receiver.ts';

const DEFAULT_SECRET = 'test-customer-secret-1';

let api: TestApi;
let receiver: WebhookReceiver;
let customer: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let defaultSigningSecret: string;

beforeAll(async () => {
  api = await createTestApi();
  receiver = await createWebhookReceiver();
  customer = await api.addCustomerServer(`${receiver.base}/own`);
  const { endpoint } = await api.database.prisma.$transaction((transaction) =>
    createDefaultCustomerServer(transaction, api.deps.secretBox, {
      secret: DEFAULT_SECRET,
      webhookUrl: `${receiver.base}/default`,
    }),
  );
  defaultSigningSecret = endpoint!.signingSecret;
});
afterEach(() => receiver.reset());
afterAll(async () => {
  receiver.close();
  await api.close();
});

const partner = { 'x-vendor-secret': PARTNER_SECRET };

function run(headers: Record<string, string>, payload?: object) {
  return api.app.inject({
    method: 'POST',
    url: '/api/external/webhook-test',
    headers,
    ...(payload && { payload }),
  });
}

async function readSigningSecret(customerServerId: string): Promise<string> {
  const endpoint = await api.database.prisma.webhookEndpoint.findFirstOrThrow({
    where: { customerServerId },
  });
  return api.deps.secretBox.open(endpoint.signingSecretCiphertext, endpoint.id);
}

test('sends one signed request and shows the answer', async () => {
  const response = await run(customer.headers, { webhookUrl: `${receiver.base}/some/path?query=1` });
  expect(response.statusCode).toBe(200);
  expect(response.json()).toEqual({
    success: true,
    message: 'Webhook connection test successful',
    response: {
      status: 200,
      data: { success: true, message: 'Webhook received successfully' },
      durationMs: expect.any(Number),
    },
  });
  expect(receiver.received).toHaveLength(1);
  const [{ url, headers, body }] = receiver.received as [(typeof receiver.received)[0]];
  expect(url).toBe('/some/path?query=1');
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'x-vendor-server-secret': customer.secret,
    'x-webhook-event': 'connection.test',
    'x-webhook-timestamp': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    'x-webhook-attempt': '1',
    'user-agent': 'VendorServer-Webhook/1.0',
    'webhook-id': expect.stringMatching(/^[0-9a-f]{24}$/),
  });
  expect(JSON.parse(body)).toEqual({
    test: true,
    timestamp: headers['x-webhook-timestamp'],
    message: expect.any(String),
  });
  expect(Math.abs(Date.now() - Date.parse(String(headers['x-webhook-timestamp'])))).toBeLessThan(60_000);
  expect(isSignedWith(await readSigningSecret(customer.id), receiver.received[0]!)).toBe(true);
});

test.each([{}, { webhookUrl: null }, undefined])(
  'tests the own first endpoint with the body %j',
  async (payload) => {
    const response = await run(customer.headers, payload);
    expect(response.statusCode).toBe(200);
    expect(receiver.received.map(({ url }) => url)).toEqual(['/own']);
    expect(receiver.received[0]?.headers['x-vendor-server-secret']).toBe(customer.secret);
  },
);

test('accepts the secret under its other name', async () => {
  const response = await run({ 'x-vendor-server-secret': customer.secret }, {});
  expect(response.statusCode).toBe(200);
  expect(receiver.received[0]?.headers['x-vendor-server-secret']).toBe(customer.secret);
});

test('shows nobody a secret that the endpoint answers with, and a partner neither', async () => {
  receiver.answer = { status: 401, body: JSON.stringify({ got: DEFAULT_SECRET, key: defaultSigningSecret }) };
  const shown = { status: 401, data: { got: '[redacted]', key: '[redacted]' } };
  const own = { 'x-customer-secret': DEFAULT_SECRET };
  for (const headers of [partner, own]) {
    expect((await run(headers, {})).json()).toMatchObject({ success: false, response: shown });
    expect(receiver.received.at(-1)?.headers['x-vendor-server-secret']).toBe(DEFAULT_SECRET);
  }
});

test('a deleted endpoint is not tested, the oldest of the others is', async () => {
  const server = await api.addCustomerServer(`${receiver.base}/deleted`);
  const { prisma } = api.database;
  await prisma.webhookEndpoint.updateMany({
    where: { customerServerId: server.id },
    data: { deletedAt: new Date() },
  });
  expect((await run(server.headers, {})).json()).toEqual({
    success: false,
    error: 'No webhook URL configured',
  });
});

test('without any URL there is nothing to test', async () => {
  const server = await api.addCustomerServer();
  const response = await run(server.headers, {});
  expect(response.statusCode).toBe(400);
  expect(response.json()).toEqual({ success: false, error: 'No webhook URL configured' });
  const elsewhere = await run(server.headers, { webhookUrl: `${receiver.base}/new` });
  expect(elsewhere.statusCode).toBe(200);
  expect(receiver.received[0]?.headers['webhook-signature']).toMatch(/^v1,/);
});

describe('a partner', () => {
  test('tests the endpoint of the default customer server, with its secrets', async () => {
    expect((await run(partner, {})).statusCode).toBe(200);
    expect(receiver.received[0]?.url).toBe('/default');
    expect(receiver.received[0]?.headers['x-vendor-server-secret']).toBe(DEFAULT_SECRET);
    expect(isSignedWith(defaultSigningSecret, receiver.received[0]!)).toBe(true);
  });

  test('may name that endpoint, however it is spelled', async () => {
    await run(partner, { webhookUrl: `${receiver.base.replace('http', 'HTTP')}/default` });
    expect(receiver.received[0]?.headers['x-vendor-server-secret']).toBe(DEFAULT_SECRET);
  });

  test('cannot have a secret or a signature sent anywhere else', async () => {
    for (const path of ['/elsewhere', '/own', '/default/', '/default?x=1']) {
      expect((await run(partner, { webhookUrl: receiver.base + path })).statusCode).toBe(200);
    }
    expect(receiver.received).toHaveLength(4);
    for (const [index, { headers }] of receiver.received.entries()) {
      expect(headers).not.toHaveProperty('x-vendor-server-secret');
      expect(JSON.stringify(headers)).not.toContain(DEFAULT_SECRET);
      expect(isSignedWith(defaultSigningSecret, receiver.received[index]!)).toBe(false);
    }
  });

  test('nor to an endpoint that is not sent the shared secret', async () => {
    const { prisma } = api.database;
    const where = { customerServer: { isDefault: true } };
    await prisma.webhookEndpoint.updateMany({ where, data: { sendSharedSecret: false } });
    try {
      await run(partner, {});
      expect(receiver.received[0]?.headers).not.toHaveProperty('x-vendor-server-secret');
      expect(isSignedWith(defaultSigningSecret, receiver.received[0]!)).toBe(true);
    } finally {
      await prisma.webhookEndpoint.updateMany({ where, data: { sendSharedSecret: true } });
    }
  });
});

test('while secrets overlap, the test shows what deliveries would', async () => {
  const { prisma } = api.database;
  const server = await prisma.customerServer.findFirstOrThrow({ where: { isDefault: true } });
  const endpoint = await prisma.webhookEndpoint.findFirstOrThrow({ where: { customerServerId: server.id } });
  const later = new Date(Date.now() + 60_000);
  const previousSigningSecret = createSigningSecret(Buffer.alloc(32, 7));
  const { secretBox } = api.deps;
  await prisma.customerServer.update({
    where: { id: server.id },
    data: {
      previousSecretCiphertext: secretBox.seal('test-customer-secret-0', server.id),
      secretOverlapUntil: later,
      outboundSecret: 'previous',
    },
  });
  await prisma.webhookEndpoint.update({
    where: { id: endpoint.id },
    data: {
      previousSigningSecretCiphertext: secretBox.seal(previousSigningSecret, endpoint.id),
      signingOverlapUntil: later,
    },
  });
  await run(partner, {});
  expect(receiver.received[0]?.headers['x-vendor-server-secret']).toBe('test-customer-secret-0');
  expect(isSignedWith(previousSigningSecret, receiver.received[0]!)).toBe(true);
  expect(isSignedWith(defaultSigningSecret, receiver.received[0]!)).toBe(true);

  const past = new Date(Date.now() - 60_000);
  await prisma.customerServer.update({ where: { id: server.id }, data: { secretOverlapUntil: past } });
  await prisma.webhookEndpoint.update({ where: { id: endpoint.id }, data: { signingOverlapUntil: past } });
  await run(partner, {});
  expect(receiver.received[1]?.headers['x-vendor-server-secret']).toBe(DEFAULT_SECRET);
  expect(isSignedWith(previousSigningSecret, receiver.received[1]!)).toBe(false);
});
