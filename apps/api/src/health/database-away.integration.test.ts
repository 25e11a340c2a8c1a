import { createTcpProxy, type TcpProxy } from '@vendor-server/e2e/system/create-tcp-proxy.ts';
import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildApp } from '../app.ts';
import { createOrderReads } from '../orders/create-order-reads.ts';
import { createOrderWrites } from '../orders/create-order-writes.ts';
import { type Credentials, createCredentials } from '../plugins/create-credentials.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;
let proxy: TcpProxy;
let database: Database;
let credentials: Credentials;
let app: FastifyInstance;
let headers: Record<string, string>;

beforeAll(async () => {
  api = await createTestApi();
  proxy = await createTcpProxy(api.databaseUrl);
  database = createDatabase({ url: proxy.url, applicationName: 'test-cut', maxConnections: 4 });
  const { logger } = api.deps;
  credentials = createCredentials({ pool: database.pool, databaseUrl: proxy.url, logger });
  const { pool } = database;
  const orderReads = createOrderReads(pool);
  const orderWrites = createOrderWrites({ pool, waiting: pool });
  app = buildApp({ ...api.deps, database, credentials, orderReads, orderWrites });
  headers = (await api.addCustomerServer()).headers;
});
afterAll(async () => {
  await app.close();
  await credentials.close();
  await database.close();
  await proxy.cut();
  await api.close();
});

const ready = async () => {
  const answer = await app.inject('/readyz');
  return { status: answer.statusCode, body: answer.json() };
};

test('health is told without a credential', async () => {
  expect((await app.inject('/livez')).json()).toEqual({ status: 'up' });
  expect(await ready()).toEqual({
    status: 200,
    body: { status: 'up', checks: { database: 'up', queue: 'up' } },
  });
});

test.each([
  ['fails', () => Promise.reject(new Error('away'))],
  ['hangs', () => Promise.withResolvers<void>().promise],
])('a queue that %s leaves the API in service', async (_name, ping) => {
  const spy = vi.spyOn(api.deps.queue, 'ping').mockImplementation(ping);
  expect(await ready()).toEqual({
    status: 200,
    body: { status: 'up', checks: { database: 'up', queue: 'down' } },
  });
  spy.mockRestore();
});

test('without its database the API says 503 and when to come back, and recovers by itself', async () => {
  const create = () =>
    app.inject({ method: 'POST', url: '/api/external/orders', headers, payload: buildServiceOrder() });
  expect((await create()).statusCode).toBe(201);

  await proxy.cut();
  const answers = await Promise.all([
    create(),
    app.inject({ url: '/api/external/me', headers }),
    app.inject({ url: '/api/admin/customer-servers', headers: api.operator }),
    app.inject({ url: '/api/admin/orders', headers: api.operator }),
    app.inject({ url: '/api/vendor/me', headers: { authorization: 'Bearer test-vendor-key' } }),
  ]);
  for (const answer of answers) {
    expect(answer.statusCode, answer.body).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.json()).toEqual({
      ok: false,
      error: expect.any(String),
      code: 'database_unavailable',
      requestId: expect.any(String),
    });
    expect(answer.body).not.toMatch(/ECONN|127\.0\.0\.1|prisma/i);
  }
  expect(await ready()).toMatchObject({
    status: 503,
    body: { status: 'down', checks: { database: 'down' } },
  });
  expect((await app.inject('/livez')).statusCode).toBe(200);

  await proxy.restore();
  await expect.poll(async () => (await create()).statusCode).toBe(201);
  expect((await ready()).status).toBe(200);
});
