/*
 * The corpus of hostile targets at every place where the API takes a URL, with no network allowed, as in production.
 * What is refused says why and never where a name leads; what cannot be told from its form is refused by the test of
 * the webhook, which sends for real.
 */
import {
  INNER_HOSTS,
  LOCALHOST_NAMES,
  LOOPBACK_HOSTS,
  MALFORMED_URLS,
  NAMES_THAT_LEAD_INSIDE,
  REFUSED_PORT_URLS,
} from '@vendor-server/domain/testing/hostile-targets.ts';
import { createReceiver, type Receiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { createEndpointCalls, type EndpointCalls } from '../testing/endpoint-calls.ts';

const PUBLIC_URL = 'https://hook.customer.example/updates';

let api: TestApi;
let calls: EndpointCalls;
let callers: Awaited<ReturnType<TestApi['addCustomerServer']>>[];
let tries = 0;
let endpoint: Awaited<ReturnType<EndpointCalls['addEndpoint']>>;
/** On every address of this machine. */
let receiver: Receiver;

beforeAll(async () => {
  receiver = await createReceiver({ host: '::' });
  api = await createTestApi({ WEBHOOK_ALLOWED_NETWORKS: 'none' });
  calls = createEndpointCalls(api);
  callers = await Promise.all(Array.from({ length: 20 }, () => api.addCustomerServer()));
  endpoint = await calls.addEndpoint({ url: PUBLIC_URL });
});
afterAll(async () => {
  await api.close();
  await receiver.close();
});

/** What each place that keeps a URL answers to it, the field's name left out. */
async function offer(url: string): Promise<unknown[]> {
  const account = { name: 'Hostile', webhookUrl: url };
  const answers = await Promise.all([
    offerNew(url),
    endpoint.call('PATCH', '', { url }),
    calls.ask('POST', '/api/admin/customer-servers', account, api.operator),
  ]);
  return answers.map(toReason);
}

const offerNew = (url: string) => calls.ask('POST', '', { url }, endpoint.server.headers);

function toReason({ status, body }: Awaited<ReturnType<EndpointCalls['ask']>>): unknown {
  if (status !== 400) return status;
  const [detail, ...more] = body.details as string[];
  return more.length > 0 ? body.details : detail?.replace(/^(url|webhookUrl) /, '');
}

/** The test of a webhook. It is limited to 30 a minute: these callers take turns. */
async function tryOut(url: string): Promise<{ status: number; body: { details?: unknown } }> {
  const headers = callers[tries % callers.length]?.headers ?? {};
  tries += 1;
  return calls.ask('POST', '/api/external/webhook-test', { webhookUrl: url }, headers);
}

/** All of them as a new endpoint, and the first one of them at every other place, which share the check. */
async function expectRefused(urls: readonly string[], reason: string): Promise<void> {
  for (const url of urls) expect([url, toReason(await offerNew(url))]).toEqual([url, reason]);
  const [first = ''] = urls;
  expect([first, ...(await offer(first))]).toEqual([first, reason, reason, reason]);
}

const BLOCKED = {
  success: false,
  error: 'Webhook connection test failed',
  reason: 'blocked_address',
  details: "blocked_address: The endpoint's host leads to an address that webhooks may not reach.",
};

describe('refused as not public wherever a URL is given', () => {
  const classes = { ...LOOPBACK_HOSTS, ...INNER_HOSTS, localhost: LOCALHOST_NAMES };

  test.each(Object.entries(classes))('%s', async (_class, hosts) => {
    const urls = hosts.map((host) => `http://${host}:${receiver.port}/`);
    await expectRefused(urls, 'must lead to a public address');
    for (const url of urls) {
      expect({ url, ...(await tryOut(url)) }).toEqual({ url, status: 400, body: BLOCKED });
    }
    expect(receiver.connections).toBe(0);
  });
});

describe('refused for its form wherever a URL is given', () => {
  test.each(Object.entries(MALFORMED_URLS))('what %s', async (reason, urls) => {
    const given = urls.map((url) => url.replace('PORT', String(receiver.port)));
    // No text with NUL gets as far as this: it cannot be stored.
    const withoutNul = given.filter((url) => !url.includes('\0'));
    await expectRefused(withoutNul, reason);
    for (const url of withoutNul) {
      const { status, body } = await tryOut(url);
      const details = [`webhookUrl ${reason}`];
      expect({ url, status, details: body.details }).toEqual({ url, status: 400, details });
    }
    for (const url of given.filter((each) => each.includes('\0'))) {
      expect(await tryOut(url)).toMatchObject({ status: 400, body: { details: expect.any(Array) } });
    }
    expect(receiver.connections).toBe(0);
  });

  test.each(REFUSED_PORT_URLS)('a port of another protocol: %s', async (url, port) => {
    const reason = `must not use port ${port}, which is not for HTTP`;
    await expectRefused([url], reason);
    expect(await tryOut(url)).toMatchObject({ status: 400, body: { details: [`webhookUrl ${reason}`] } });
  });
});

test('a name is taken, because where it leads may change: what it is sent is judged then', async () => {
  const [name = ''] = Object.keys(NAMES_THAT_LEAD_INSIDE['to cloud metadata']);
  expect(await endpoint.call('PATCH', '', { url: `http://${name}/` })).toMatchObject({ status: 200 });
  expect(await endpoint.call('PATCH', '', { url: PUBLIC_URL })).toMatchObject({ status: 200 });
});

test('nothing of what was refused is kept', async () => {
  expect(await calls.readStored(endpoint.endpointId)).toMatchObject({ url: PUBLIC_URL });
  expect(await api.database.prisma.webhookEndpoint.count()).toBe(1);
});

test('what is allowed is reached: the receiver is there to be seen', async () => {
  const open = await createTestApi({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128' }, api);
  try {
    const { headers } = await api.addCustomerServer();
    const answer = await open.app.inject({
      method: 'POST',
      url: '/api/external/webhook-test',
      headers,
      payload: { webhookUrl: `http://127.1:${receiver.port}/` },
    });
    expect(answer.statusCode).toBe(200);
    expect(receiver.connections).toBe(1);
  } finally {
    await open.close();
  }
});
