/** The log of the real processes: what one request leaves in it, what never gets into it, and where it is written. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond, type Step } from './receiver/steps.ts';
import { addCustomerServer, type CustomerServer } from './system/add-customer-server.ts';
import { addVendor } from './system/add-vendor.ts';
import { createCaller } from './system/create-caller.ts';
import { waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { cancelOrder, createOrder, SERVICE_ORDER } from './system/walk-order.ts';

let receiver: Receiver;
let system: System;
let api: ListeningProcess;
let worker: ListeningProcess;
let directory: string;
const logFile = (name: string) => path.join(directory, name);

const random = () => randomBytes(12).toString('hex');
/** Every secret that was used, by what it is. */
const secrets: Record<string, string> = {
  'default customer server secret': `default-secret-${random()}`,
  'previous encryption key': randomBytes(32).toString('base64'),
  'token in the default webhook URL': `url-token-${random()}`,
  'token in a webhook URL': `url-token-${random()}`,
  'token in a tested URL': `url-token-${random()}`,
  'idempotency key': `idempotency-${random()}`,
  'password of a refused URL': `url-password-${random()}`,
};
const use = (what: string) => secrets[what] ?? '';

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vendor-server-e2e-log-'));
  receiver = await createReceiver();
  system = await createSystem({
    redisUrl: testRedisUrl(),
    env: {
      DEBUG_WEBHOOKS: '1',
      LOG_LEVEL: 'trace',
      CUSTOMER_SERVER_SECRET: use('default customer server secret'),
      CUSTOMER_WEBHOOK_URL: receiver.url(`/default?token=${use('token in the default webhook URL')}`),
      SECRETS_ENCRYPTION_KEY_PREVIOUS: use('previous encryption key'),
      WEBHOOK_RETRY_DELAYS_MS: '100',
    },
  });
  [api, worker] = await Promise.all([
    system.startApi({ LOG_FILE: logFile('api.log') }),
    system.startWorker({ LOG_FILE: logFile('worker.log') }),
  ]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
  rmSync(directory, { recursive: true });
});

/** Answers with what it was sent, as a debugging receiver does, twice: the second time is cut at 1 KiB. */
function echo(status: number): Step {
  return (answering) => {
    const { request } = answering;
    const head = ['x-vendor-server-secret', 'webhook-signature'].map((name) => request.header(name));
    const cutAt = 1_024 - (head[0]?.length ?? 0) / 2;
    const padding = 'x'.repeat(cutAt - `{"head":${JSON.stringify(head)},"padding":"","again":["`.length);
    return respond(status, { body: { head, padding, again: head } })(answering);
  };
}

async function callWith(headers: Record<string, string>, url = system.apiUrl(), at = '/api/external/me') {
  return fetch(`${url}${at}`, { headers });
}

const basic = (password: string) => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;

test('follows a request from its line to the lines of its deliveries', async () => {
  const customerServer = await addCustomerServer(system, receiver.url('/followed'));
  const requestId = `request-${random()}`;
  const { body } = await customerServer.call<{ orderId: string }>('POST', '/api/external/orders', {
    body: SERVICE_ORDER,
    headers: { 'x-request-id': requestId },
  });
  const { orderId } = body.data;
  expect(await api.log.waitFor('Request handled', { requestId })).toMatchObject({
    method: 'POST',
    route: '/api/external/orders',
    status: 201,
    durationMs: expect.any(Number),
    customerServerId: customerServer.customerServerId,
  });
  expect(await worker.log.waitFor('Customer webhook sent successfully', { orderId })).toMatchObject({
    requestId,
    deliveryId: expect.stringMatching(/^[0-9a-f]{24}$/),
    status: 'pending',
    previousStatus: null,
    attempt: 1,
    durationMs: expect.any(Number),
    responseStatus: 200,
  });
});

/** Everything that anybody does with a secret, right and wrong. */
async function useEverySecret(): Promise<void> {
  receiver.answer('/echoes', echo(401), echo(500), echo(200));
  const url = receiver.url(`/echoes?token=${use('token in a webhook URL')}`);
  const customerServer = await addCustomerServer(system, url);
  secrets['customer server secret'] = customerServer.secret;
  secrets['signing secret'] = customerServer.signingSecret;
  await placeOrder(customerServer, 2);

  const { secret } = await system.operator.ask<{ secret: string }>(
    'POST',
    `/api/admin/customer-servers/${customerServer.customerServerId}/rotate-secret`,
    {},
  );
  secrets['rotated customer server secret'] = secret;
  const rotated = createCaller(system.apiUrl, { 'x-vendor-server-secret': secret });
  receiver.answer('/echoes', echo(401), echo(200));
  await placeOrder({ ...customerServer, ...rotated }, 2);

  const endpoint = { url: receiver.url('/second'), sendSharedSecret: true };
  const created = await rotated.ask<{ endpointId: string; signingSecret: string }>(
    'POST',
    '/api/external/webhook-endpoints',
    endpoint,
  );
  secrets['signing secret of a second endpoint'] = created.signingSecret;
  const renewed = await rotated.ask<{ signingSecret: string }>(
    'POST',
    `/api/external/webhook-endpoints/${created.endpointId}/rotate-secret`,
    {},
  );
  secrets['rotated signing secret'] = renewed.signingSecret;
  await placeOrder({ ...customerServer, ...rotated }, 4);

  const byDefault = createCaller(system.apiUrl, {
    'x-customer-secret': use('default customer server secret'),
  });
  await placeOrder({ ...customerServer, ...byDefault }, 2);
  await rotated.call('POST', '/api/external/webhook-test', {
    body: { webhookUrl: receiver.url(`/tested?token=${use('token in a tested URL')}`) },
  });
  await rotated.call('POST', '/api/external/webhook-endpoints', {
    body: { url: `https://user:${use('password of a refused URL')}@customer.example.com/` },
  });
  const vendor = await addVendor(system);
  secrets['vendor API key'] = vendor.apiKey;
  await vendor.ask('GET', '/api/vendor/me');
  await system.partner.call('POST', '/api/external/vendor-update', { body: { vendorId: `v-${random()}` } });
  await presentWrongCredentials();
}

async function placeOrder(customerServer: CustomerServer, deliveries: number): Promise<void> {
  const headers = { 'idempotency-key': `${use('idempotency key')}-${random()}` };
  const { body } = await customerServer.call<{ orderId: string }>('POST', '/api/external/orders', {
    body: SERVICE_ORDER,
    headers,
  });
  await cancelOrder(customerServer, body.data.orderId);
  await waitUntilEnded(system.database, body.data.orderId, deliveries);
}

async function presentWrongCredentials(): Promise<void> {
  for (const name of ['x-customer-secret', 'x-vendor-server-secret', 'x-vendor-secret', 'cookie']) {
    const wrong = `wrong-credential-${random()}`;
    secrets[`wrong ${name}`] = wrong;
    await callWith({ [name]: wrong });
    await callWith({ [name]: wrong }, system.apiUrl(), `/api/external/orders?${name}=${wrong}`);
    for (const at of ['/no/such', '/api/external/orders']) {
      await callWith({ [name]: wrong }, system.apiUrl(), `${at}/${wrong}`);
    }
  }
  const [adminKey = ''] = system.secrets;
  for (const password of [adminKey, `wrong-password-${random()}`]) {
    secrets[`password ${password === adminKey ? 'right' : 'wrong'}`] = password;
    secrets[`Basic ${password === adminKey ? 'right' : 'wrong'}`] = basic(password).slice('Basic '.length);
    for (const url of [api.url, worker.url]) {
      await callWith({ authorization: basic(password) }, url, '/metrics');
      await callWith({ authorization: `Bearer ${password}` }, url, '/metrics');
    }
    await callWith({ authorization: `Bearer ${password}` }, api.url, '/api/vendor/me');
  }
}

test('holds no secret, whatever is done with one', async () => {
  await useEverySecret();
  Object.assign(secrets, { 'partner secret': system.secrets[1], 'encryption key': system.secrets[2] });
  await worker.log.waitFor('webhook response', {});
  await worker.log.waitFor('Customer webhook failed, retrying', {});
  const log = [
    ...system.processes.map(({ log: { text } }) => text),
    ...['api.log', 'worker.log'].map((name) => readFileSync(logFile(name), 'utf8')),
  ].join('\n');
  expect(log).toContain('[redacted]');

  const shown = Object.entries(secrets).flatMap(([what, secret]) => {
    expect(secret.length, what).toBeGreaterThan(15);
    const key = secret.replace(/^whsec_/, '');
    const forms = [secret, key, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
    return forms.some((form) => log.includes(form)) ? [what] : [];
  });
  expect(shown).toEqual([]);
  // The beginning of a secret, where an answer was cut, is not there either.
  for (const what of ['customer server secret', 'rotated customer server secret']) {
    expect(log).not.toContain(use(what).slice(0, 8));
  }
});

test.each([
  ['api.log', () => api],
  ['worker.log', () => worker],
])('%s goes on in a new file after SIGHUP', async (name, get) => {
  const customerServer = await addCustomerServer(system, receiver.url('/rotated-log'));
  const file = logFile(name);
  renameSync(file, `${file}.1`);
  get().signal('SIGHUP');
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe(''), { timeout: 10_000 });
  const orderId = await createOrder(customerServer);
  await waitUntilEnded(system.database, orderId, 1);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('"level":"info"'), { timeout: 10_000 });
  expect(readFileSync(`${file}.1`, 'utf8')).not.toContain(orderId);
  expect(get().end).toBeNull();
});
