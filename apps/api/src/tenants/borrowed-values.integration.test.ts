/** What a tenant may get hold of without being allowed to use it: another one's keys, cursors, URLs and headers. */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { explain } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listDeliveriesForCustomerServer } from '../deliveries/list-deliveries-sql.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { createWebhookReceiver, isSignedWith } from '../testing/create-webhook-receiver.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { addTenant, type Tenant } from '../testing/tenants/add-tenant.ts';
import { collectRoutes, type WalkedRoute } from '../testing/tenants/collect-routes.ts';
import { buildRequest, idPlacesOf, inject, unknownId } from '../testing/tenants/create-walk.ts';
import { digestTables } from '../testing/tenants/digest-tables.ts';
import { rightCredentials } from '../testing/tenants/refused-credentials.ts';

let api: TestApi;
let routes: readonly WalkedRoute[];
let victim: Tenant;
let caller: Tenant;

beforeAll(async () => {
  const off = { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_VENDOR_PER_MINUTE: '0' };
  api = await createTestApi({ ...off, RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: '0', LOG_LEVEL: 'error' });
  routes = collectRoutes(api.app);
  await api.app.ready();
  caller = await addTenant(api, 'caller-tenant');
  victim = await addTenant(api, 'victim-tenant');
});
afterAll(() => api.close());

const external = async (tenant: Tenant, url: string, payload?: object, headers: object = {}) => {
  const answer = await api.app.inject({
    method: payload === undefined ? 'GET' : 'POST',
    url: `/api/external${url}`,
    headers: { ...tenant.server.headers, ...headers },
    ...(payload && { payload }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
};

const digestVictim = () => digestTables(api.database.pool, victim.ownTexts);

test('two secrets that contradict each other are the first one', async () => {
  const headers = {
    'x-customer-secret': caller.server.secret,
    'x-vendor-server-secret': victim.server.secret,
  };
  const { statusCode, body } = await api.app.inject({ url: '/api/external/me', headers });
  expect({ statusCode, id: JSON.parse(body).data.customerServerId }).toEqual({
    statusCode: 200,
    id: caller.server.id,
  });
  for (const route of routes.filter(({ audience }) => audience === 'customer_server')) {
    const [place] = idPlacesOf(route).filter((each) => each.in === 'path');
    if (place === undefined) continue;
    const about = { ...place, id: victim.ids[place.name][0] ?? '' };
    const answer = await inject(api.app, buildRequest(route, headers, caller, about));
    expect({ route: route.url, status: answer.status }).toEqual({ route: route.url, status: 404 });
  }
});

test('a credential that is sent twice opens nothing, whichever of the two is right', async () => {
  const base = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }));
  const ask = async (path: string, headers: readonly string[]) => {
    const outgoing = request(new URL(path, base), { headers: ['host', base.host, ...headers], agent: false });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject).end();
    });
    return { status: answer.statusCode, body: await text(answer) };
  };
  const paths = {
    customer_server: '/api/external/me',
    vendor: '/api/vendor/me',
    operator: '/api/admin/orders',
  };
  for (const [audience, path] of Object.entries(paths)) {
    const right = rightCredentials(caller).filter(({ audiences }) =>
      (audiences as string[]).includes(audience),
    );
    for (const [name = '', value = ''] of right.flatMap(({ headers }) => Object.entries(headers))) {
      expect((await ask(path, [name, value])).status).toBe(200);
      for (const values of [
        [value, 'Bearer wrong'],
        ['Bearer wrong', value],
        [value, value],
      ]) {
        const answer = await ask(
          path,
          values.flatMap((each) => [name, each]),
        );
        expect(answer.status, `${name} ${values.join()}`).toBe(400);
        expect(JSON.parse(answer.body).details).toEqual([`header ${name} must be sent once`]);
      }
    }
  }
});

test("another's idempotency key is free to use, and tells nothing of its first answer", async () => {
  const create = (key: string, tenant = caller) =>
    external(tenant, '/orders', buildServiceOrder(), { 'idempotency-key': key });
  const before = await digestVictim();
  const taken = await create(victim.idempotencyKey);
  const fresh = await create(`fresh-${victim.idempotencyKey}`);
  for (const { status, headers, body } of [taken, fresh]) {
    expect(status).toBe(201);
    expect(headers['idempotency-replayed']).toBeUndefined();
    expect(victim.ids.orderId).not.toContain(body.data.orderId);
  }
  // Each has its own answer under the same key, and another body is a conflict with its own only.
  expect((await create(victim.idempotencyKey)).body).toEqual(taken.body);
  expect((await create(victim.idempotencyKey, victim)).status).toBe(409);
  const after = await digestVictim();
  // The caller's key is a row that holds the victim's text.
  expect({ ...after, idempotency_keys: '' }).toEqual({ ...before, idempotency_keys: '' });
});

test("another's cursor is a place in the caller's own list", async () => {
  const toCursor = (at: number, id: string) => Buffer.from(`${at}.${id}`).toString('base64url');
  const lists = routes.filter(
    ({ audience, queryNames }) => audience !== 'operator' && queryNames.includes('cursor'),
  );
  expect(lists.length).toBeGreaterThan(5);
  for (const route of lists) {
    const headers = route.audience === 'vendor' ? caller.vendor.headers : caller.server.headers;
    const { url, ...rest } = buildRequest(route, headers, caller);
    for (const id of Object.values(victim.ids).flat()) {
      const at = Date.now() + 60_000;
      const [about, nothing] = await Promise.all(
        [id, unknownId()].map((each) =>
          inject(api.app, { ...rest, url: `${url}?cursor=${toCursor(at, each)}` }),
        ),
      );
      expect(about?.status, route.url).toBe(200);
      expect(isDeepStrictEqual(about, nothing), route.url).toBe(true);
      expect(victim.ownTexts.filter((each) => about?.body.includes(each))).toEqual([]);
    }
  }
});

test("another's place in the feed is a place in the caller's own", async () => {
  const read = async (tenant: Tenant, query = '') => (await external(tenant, `/events${query}`)).body;
  await external(victim, '/orders', buildServiceOrder());
  const own = await read(caller);
  const others = await read(victim);
  expect(others.data.length).toBeGreaterThan(2);
  expect(others.nextCursor).not.toBe(own.nextCursor);
  const { body: later } = await external(caller, '/orders', buildServiceOrder());
  const afterOwn = await read(caller, `?after=${own.nextCursor}`);
  const afterOthers = await read(caller, `?after=${others.nextCursor}`);
  expect(afterOwn.data.map((event: { orderId: string }) => event.orderId)).toEqual([later.data.orderId]);
  expect({ ...afterOthers, requestId: null }).toEqual({ ...afterOwn, requestId: null });
});

test("a webhook test to another's URL carries nothing of the other", async () => {
  const receiver = await createWebhookReceiver();
  try {
    const { body } = await external(victim, '/webhook-endpoints', { url: `${receiver.base}/victim` });
    const [theirs, nobodys] = await Promise.all(
      ['victim', 'nobody'].map((path) =>
        external(caller, '/webhook-test', { webhookUrl: `${receiver.base}/${path}` }),
      ),
    );
    const withoutTime = (answer: typeof theirs) => ({
      status: answer?.status,
      body: { ...answer?.body, response: { ...answer?.body.response, durationMs: null } },
    });
    expect(withoutTime(theirs)).toEqual(withoutTime(nobodys));
    expect(receiver.received).toHaveLength(2);
    for (const received of receiver.received) {
      expect(received.headers['x-vendor-server-secret']).toBe(caller.server.secret);
      expect(isSignedWith(body.data.signingSecret, received)).toBe(false);
      expect(victim.ownTexts.filter((each) => JSON.stringify(received).includes(each))).toEqual([]);
    }
  } finally {
    receiver.close();
  }
});

test("looking for the deliveries of another's endpoint reads none of them, however many there are", async () => {
  const { pool } = api.database;
  const [endpointId = ''] = await insertBacklog(pool, {
    endpoints: 1,
    delivered: 3_000,
    waiting: 0,
    blocked: 0,
    queued: 0,
  });
  await pool.query('analyze deliveries');
  const page = { limit: 50, after: null };
  for (const id of [endpointId, unknownId()]) {
    const { nodes } = await explain(pool, (executor) =>
      listDeliveriesForCustomerServer(executor, caller.server.id, { endpointId: id }, page),
    );
    const read = nodes.filter(({ table }) => table === 'deliveries').reduce((sum, { rows }) => sum + rows, 0);
    expect(read).toBe(0);
  }
  const own = caller.ids.endpointId[0] ?? '';
  const { items } = await listDeliveriesForCustomerServer(pool, caller.server.id, { endpointId: own }, page);
  expect(items.length).toBeGreaterThan(0);
});
