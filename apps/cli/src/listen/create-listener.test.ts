import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { createListener, startListening } from './create-listener.ts';
import type { ReceivedWebhook } from './describe-webhook.ts';
import { describeWebhook } from './describe-webhook.ts';
import type { ListenOptions } from './parse-listen-options.ts';

const DEFAULTS: ListenOptions = {
  host: '127.0.0.1',
  port: 0,
  secret: null,
  signingSecret: null,
  status: 200,
  delayMs: 0,
  times: null,
};

async function startListener(options: Partial<ListenOptions> = {}) {
  const received: ReceivedWebhook[] = [];
  const server = createListener({ ...DEFAULTS, ...options }, (webhook) => received.push(webhook));
  const url = await startListening(server, { ...DEFAULTS, ...options });
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const post = async (body: string, headers: Record<string, string> = {}) =>
    (await fetch(`${url}updates`, { method: 'POST', body, headers })).status;
  return { received, post };
}

test('shows what arrives', async () => {
  const { received, post } = await startListener();
  const body = {
    orderId: '0190aaaaaaaabbbbbbbbcccc',
    status: 'accepted',
    previousStatus: 'pending',
    version: 2,
  };
  expect(await post(JSON.stringify(body), { 'x-webhook-attempt': '3' })).toBe(200);
  expect(received).toHaveLength(1);
  const text = describeWebhook(received[0]!);
  expect(text).toContain('0190aaaaaaaabbbbbbbbcccc');
  expect(text).toMatch(/pending → .*accepted/);
  expect(text).toContain('attempt 3');
});

test('shows what is no webhook of an order, too', async () => {
  const { received, post } = await startListener();
  for (const body of ['', 'not json', '[1]', '{"test":true}']) expect(await post(body)).toBe(200);
  expect(received.map(describeWebhook).join('\n')).toContain('{"test":true}');
});

test('answers the first ones as told, later ones 200', async () => {
  const { post } = await startListener({ status: 503, times: 2 });
  expect([await post('{}'), await post('{}'), await post('{}')]).toEqual([503, 503, 200]);
});

test('refuses a wrong secret', async () => {
  const { received, post } = await startListener({ secret: 'test-customer-secret-1' });
  expect(await post('{}', { 'x-vendor-server-secret': 'test-customer-secret-1' })).toBe(200);
  expect(await post('{}', { 'x-vendor-server-secret': 'test-customer-secret-2' })).toBe(401);
  expect(await post('{}')).toBe(401);
  expect(received.map(({ checks }) => checks.secret)).toEqual(['right', 'wrong', 'missing']);
});
