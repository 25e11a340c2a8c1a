import { once } from 'node:events';
import { connect } from 'node:net';
import { type Exposition, parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestApi, OPERATOR_KEY, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

async function scrape(): Promise<Exposition> {
  const answer = await api.app.inject({ url: '/metrics', headers: api.operator });
  expect(answer.statusCode).toBe(200);
  return parseExposition(answer.body);
}

/** How far the counters of `labels` rise while `act` runs, by the name of the metric. */
async function rise(name: string, labels: Record<string, string>, act: () => Promise<unknown>) {
  const before = (await scrape()).valueOf(name, labels) ?? 0;
  await act();
  return ((await scrape()).valueOf(name, labels) ?? 0) - before;
}

test('are for operators alone', async () => {
  const basic = (key: string) => `Basic ${Buffer.from(`admin:${key}`).toString('base64')}`;
  const ask = (headers: Record<string, string>) => api.app.inject({ url: '/metrics', headers });
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: basic('wrong') }]) {
    const answer = await ask(headers);
    expect(answer).toMatchObject({ statusCode: 401 });
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /);
    expect(answer.body).not.toContain('vendor_server_');
  }
  const answer = await ask({ authorization: basic(OPERATOR_KEY) });
  expect(answer).toMatchObject({ statusCode: 200 });
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test('count requests by route, method and status', async () => {
  const { headers } = await api.addCustomerServer();
  const create = { route: '/api/external/orders', method: 'POST' };
  const name = 'vendor_server_http_requests_total';
  const duration = 'vendor_server_http_request_duration_seconds_count';
  const post = (payload: object) =>
    api.app.inject({ method: 'POST', url: '/api/external/orders', headers, payload });
  expect(await rise(name, { ...create, status: '201' }, () => post(buildServiceOrder()))).toBe(1);
  expect(await rise(name, { ...create, status: '400' }, () => post({}))).toBe(1);
  expect(await rise(duration, create, () => post({}))).toBe(1);
});

test.each([
  ['/%ZZ', '400'],
  [`/api/external/orders/${'a'.repeat(300)}`, '404'],
])(
  'count a URL for which no route is looked for, and give it a line in the log: %.30s',
  async (url, status) => {
    const name = 'vendor_server_http_requests_total';
    const requestId = `unroutable-${url.length}`;
    const ask = () => api.app.inject({ url, headers: { 'x-request-id': requestId } });
    expect(await rise(name, { route: 'unmatched', method: 'GET', status }, ask)).toBe(1);
    const lines = api.logLines.filter((line) => line.includes(requestId));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'Request handled', method: 'GET', route: null, status: Number(status) },
    ]);
    expect(lines.join()).not.toContain(url);
  },
);

test('show the pattern of a route, and one name for what no route answers', async () => {
  await api.app.inject({ url: '/api/admin/orders/0190aaaaaaaabbbbbbbb0001?x=1', headers: api.operator });
  await api.app.inject({ url: '/no/such/0190aaaaaaaabbbbbbbb0001', method: 'PURGE' as 'GET' });
  const { samples, valueOf } = await scrape();
  expect(JSON.stringify(samples)).not.toContain('0190aaaaaaaabbbbbbbb0001');
  expect(valueOf('vendor_server_http_requests_total', { route: 'unmatched', method: 'other' })).toBe(1);
});

test('count a request whose caller went away, but not its time', async () => {
  const url = new URL(await api.app.listen({ port: 0, host: '127.0.0.1' }));
  const { headers } = await api.addCustomerServer();
  const labels = { route: '/api/external/orders', method: 'POST' };
  const durations = 'vendor_server_http_request_duration_seconds_count';
  const before = (await scrape()).valueOf(durations, labels);

  const socket = connect(Number(url.port), url.hostname);
  socket.write(
    `POST /api/external/orders HTTP/1.1\r\nhost: x\r\nx-customer-secret: ${headers['x-customer-secret']}\r\n` +
      'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  await once(api.app.server, 'request');
  socket.destroy();
  await vi.waitFor(async () => {
    const aborted = { ...labels, status: 'aborted' };
    expect((await scrape()).valueOf('vendor_server_http_requests_total', aborted)).toBe(1);
  });
  expect((await scrape()).valueOf(durations, labels)).toBe(before);
});

test('count status changes by where they led', async () => {
  const { headers } = await api.addCustomerServer();
  const payload = buildServiceOrder();
  const name = 'vendor_server_order_transitions_total';
  let orderId = '';
  const create = async () => {
    const answer = await api.app.inject({ method: 'POST', url: '/api/external/orders', headers, payload });
    orderId = answer.json().data.orderId;
  };
  const cancel = () =>
    api.app.inject({ method: 'POST', url: `/api/external/orders/${orderId}/cancel`, headers });
  expect(await rise(name, { status: 'pending' }, create)).toBe(1);
  expect(await rise(name, { status: 'cancelled' }, cancel)).toBe(1);
  // Nothing changes by it.
  expect(await rise(name, { status: 'cancelled' }, cancel)).toBe(0);
});

test('tell what the process needs, and how its event loop is', async () => {
  const { valueOf } = await scrape();
  for (const check of ['database', 'queue']) {
    expect(valueOf('vendor_server_readiness_check_up', { check })).toBe(1);
  }
  expect(valueOf('nodejs_eventloop_lag_p99_seconds')).not.toBeNull();
  expect(valueOf('process_resident_memory_bytes')).toBeGreaterThan(0);
});
