import {
  type EndpointFixture,
  insertEndpoint,
  insertOrder,
  type OrderFixture,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let endpoint: EndpointFixture;

beforeAll(async () => {
  api = await createTestApi();
  server = await api.addCustomerServer();
  endpoint = await insertEndpoint(api.database.pool, {
    customerServerId: server.id,
    url: 'http://127.0.0.1:9/one',
  });
});
afterAll(() => api.close());

async function read(orderId: string, headers = server.headers, prefix = '/api/external') {
  const answer = await api.app.inject({ url: `${prefix}/orders/${orderId}/timeline`, headers });
  return { status: answer.statusCode, body: answer.json() };
}

async function readData(orderId: string) {
  const { status, body } = await read(orderId);
  expect(status).toBe(200);
  return body.data;
}

const readAsOperator = (orderId: string) => read(orderId, api.operator, '/api/admin');

/** A change of an order through the API, which has to be answered with success. */
async function act(url: string, headers: Record<string, string>, payload: object = {}) {
  const answer = await api.app.inject({ method: 'POST', url, headers, payload });
  expect(answer.statusCode, answer.body).toBeLessThan(300);
  return answer.json().data;
}

async function addAttempts(deliveryId: string, count: number): Promise<void> {
  await api.database.pool.query(
    `insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, started_at, ended_at,
                                    duration_ms, outcome, reason, response_status, error,
                                    response_excerpt)
     select $1, n, case n when 1 then 'first' else 'retry' end, 'token', '2026-03-05T12:00:00Z',
            '2026-03-05T12:00:00.250Z', 250, 'rejected', 'server_error', 500, 'The endpoint answered 500.', 'no'
       from generate_series(1, $2::int) n`,
    [deliveryId, count],
  );
  await api.database.pool.query('update deliveries set attempt_count = $2 where id = $1', [
    deliveryId,
    count,
  ]);
}

/** As retention does it; see the migration that made `pruned_deliveries`. */
async function prune(deliveryId: string | undefined): Promise<void> {
  await api.database.pool.query(
    `with gone as (delete from deliveries where id = $1 returning transition_id, endpoint_id, state)
     insert into pruned_deliveries (transition_id, endpoint_id, state)
     select transition_id, endpoint_id, state from gone`,
    [deliveryId],
  );
}

test('says who changed what, when, and what each endpoint was told', async () => {
  const second = await insertEndpoint(api.database.pool, { customerServerId: server.id });
  const created = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: server.headers,
    payload: buildServiceOrder(),
  });
  const { orderId } = created.json().data;
  const vendor = await api.addVendor();
  const { statusCode } = await api.app.inject({
    method: 'POST',
    url: `/api/vendor/orders/${orderId}/accept`,
    headers: vendor.headers,
  });
  expect(statusCode).toBe(200);
  await api.app.inject({
    method: 'POST',
    url: `/api/admin/orders/${orderId}/cancel`,
    headers: { ...api.operator, 'x-operator': 'night shift' },
    payload: { reason: 'nobody home' },
  });

  const data = await readData(orderId);
  const told = (endpointId: string, rest: object) => ({
    deliveryId: expect.stringMatching(/^[0-9a-f]{24}$/),
    endpointId,
    url: endpointId === endpoint.endpointId ? 'http://127.0.0.1:9/one' : 'http://127.0.0.1:9/hook',
    attemptCount: 0,
    attempts: [],
    lastError: null,
    ...rest,
  });
  const [first] = data;
  const queued = { state: 'queued', nextAttemptAt: expect.any(String), blockedBy: null };
  const blockedBehind = (index: number) => ({
    state: 'blocked',
    nextAttemptAt: null,
    blockedBy: first.deliveries[index].deliveryId,
  });
  const bothBlocked = [
    told(endpoint.endpointId, blockedBehind(0)),
    told(second.endpointId, blockedBehind(1)),
  ];
  const common = { at: expect.any(String), reason: null };
  expect(data).toEqual([
    {
      version: 1,
      from: null,
      to: 'pending',
      actor: { type: 'customer_server', id: server.id },
      ...common,
      deliveries: [told(endpoint.endpointId, queued), told(second.endpointId, queued)],
    },
    {
      version: 2,
      from: 'pending',
      to: 'accepted',
      actor: { type: 'vendor', id: vendor.id },
      ...common,
      deliveries: bothBlocked,
    },
    {
      version: 3,
      from: 'accepted',
      to: 'cancelled',
      actor: { type: 'admin' },
      ...common,
      reason: 'nobody home',
      deliveries: bothBlocked,
    },
  ]);

  const operators = await readAsOperator(orderId);
  expect(operators.body.data[2].actor).toEqual({ type: 'admin', id: 'night shift' });
  expect({ ...operators.body.data[2], actor: data[2].actor }).toEqual(data[2]);
  expect(operators.body.data.slice(0, 2)).toEqual(data.slice(0, 2));
  await api.database.pool.query('update webhook_endpoints set deleted_at = now() where id = $1', [
    second.endpointId,
  ]);
  expect(await readData(orderId)).toEqual(data);
});

test('shows attempts in their order, of very many the newest, and why a delivery ended', async () => {
  const { orderId, deliveryIds } = await insertOrder(api.database.pool, endpoint, ['delivered', 'failed']);
  await addAttempts(deliveryIds[0] ?? '', 3);
  await addAttempts(deliveryIds[1] ?? '', 25);
  await api.database.pool.query(`update deliveries set last_error = 'held_too_long' where id = $1`, [
    deliveryIds[1],
  ]);
  const data = await readData(orderId);
  const [first, second] = data.map(({ deliveries }: { deliveries: object[] }) => deliveries[0]);
  const numbersOf = ({ attempts }: { attempts: { attemptNumber: number }[] }) =>
    attempts.map(({ attemptNumber }) => attemptNumber);
  expect(numbersOf(first)).toEqual([1, 2, 3]);
  expect(first.attempts[0]).toEqual({
    attemptNumber: 1,
    trigger: 'first',
    at: '2026-03-05T12:00:00.000Z',
    durationMs: 250,
    outcome: 'rejected',
    reason: 'server_error',
    responseStatus: 500,
    error: 'The endpoint answered 500.',
  });
  expect(numbersOf(second)).toEqual(Array.from({ length: 20 }, (_, index) => index + 6));
  expect(second).toMatchObject({ attemptCount: 25, state: 'failed', nextAttemptAt: null, blockedBy: null });
  expect([first.lastError, second.lastError]).toEqual([null, 'held_too_long']);
});

test('shows how a pruned delivery ended', async () => {
  const states = ['delivered', 'failed', 'queued'] as const;
  const { orderId, deliveryIds }: OrderFixture = await insertOrder(api.database.pool, endpoint, states);
  await addAttempts(deliveryIds[0] ?? '', 2);
  await prune(deliveryIds[0]);
  await prune(deliveryIds[1]);
  const data = await readData(orderId);
  const pruned = { ...endpointOf(), prunedAt: expect.stringMatching(/Z$/) };
  expect(data[0].deliveries).toEqual([{ ...pruned, state: 'delivered' }]);
  expect(data[1].deliveries).toEqual([{ ...pruned, state: 'failed' }]);
  expect(data[2].deliveries).toMatchObject([{ deliveryId: deliveryIds[2], state: 'queued' }]);
  const { rows } = await api.database.pool.query('select 1 from delivery_attempts where delivery_id = $1', [
    deliveryIds[0],
  ]);
  expect(rows).toEqual([]);
});

const endpointOf = () => ({ endpointId: endpoint.endpointId, url: 'http://127.0.0.1:9/one' });

test('shows a change that nobody was told of', async () => {
  const { orderId } = await insertOrder(api.database.pool, endpoint, []);
  expect(await readData(orderId)).toMatchObject([{ version: 1, to: 'pending', deliveries: [] }]);
});

test('of an order without end, the newest changes', async () => {
  const { orderId } = await insertOrder(api.database.pool, endpoint, []);
  await api.database.pool.query(
    `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                    actor_type, changed_at, body)
     select new_id(), $1, $2, n, 'accepted', 'in_progress', 'partner', now(), '{}' from generate_series(2, 503) n`,
    [orderId, server.id],
  );
  const versions = (await readData(orderId)).map(({ version }: { version: number }) => version);
  expect(versions).toEqual(Array.from({ length: 500 }, (_, index) => index + 4));
});

test('takes no query', async () => {
  const { orderId } = await insertOrder(api.database.pool, endpoint, []);
  const url = `/api/external/orders/${orderId}/timeline?limit=1`;
  const answer = await api.app.inject({ url, headers: server.headers });
  expect({ status: answer.statusCode, code: answer.json().code }).toEqual({
    status: 400,
    code: 'validation_failed',
  });
});

test("of another tenant's order is 404, like one that isn't there", async () => {
  const other = await api.addCustomerServer();
  const { orderId } = await insertOrder(api.database.pool, endpoint, ['queued']);
  expect(await read(orderId, other.headers)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect((await readAsOperator(orderId)).status).toBe(200);
  for (const id of ['018c3430aa00a1b2c3d4e5f6', 'x']) {
    expect((await read(id)).status).toBe(404);
    expect((await readAsOperator(id)).status).toBe(404);
  }
  expect((await read(orderId, {})).status).toBe(401);
  expect((await read(orderId, server.headers, '/api/admin')).status).toBe(401);
});

test('of an endpoint that wants the latest only, says what was superseded, as its deliveries do', async () => {
  const other = await api.addCustomerServer();
  const { endpointId } = await act('/api/external/webhook-endpoints', other.headers, {
    url: 'http://127.0.0.1:9/latest',
    mode: 'latest_only',
  });
  const { orderId } = await act('/api/external/orders', other.headers, buildServiceOrder());
  const vendor = await api.addVendor();
  await act(`/api/vendor/orders/${orderId}/accept`, vendor.headers);
  await act(`/api/vendor/orders/${orderId}/start`, vendor.headers);

  const superseded = { endpointId, state: 'superseded', lastError: 'superseded', attemptCount: 0 };
  const ended = { nextAttemptAt: null, blockedBy: null };
  const latest = { endpointId, state: 'queued', lastError: null, nextAttemptAt: expect.any(String) };
  const { body } = await read(orderId, other.headers);
  expect(body.data).toMatchObject([
    { version: 1, to: 'pending', deliveries: [{ ...superseded, ...ended, attempts: [] }] },
    { version: 2, to: 'accepted', deliveries: [{ ...superseded, ...ended, attempts: [] }] },
    { version: 3, to: 'in_progress', deliveries: [latest] },
  ]);
  expect((await readAsOperator(orderId)).body.data).toMatchObject(body.data);

  const list = async (query: string) => {
    const url = `/api/external/deliveries?orderId=${orderId}${query}`;
    return (await api.app.inject({ url, headers: other.headers })).json().data;
  };
  expect(await list('')).toMatchObject([
    { version: 3, ...latest },
    { version: 2, ...superseded, ...ended, finishedAt: expect.any(String) },
    { version: 1, ...superseded, ...ended, finishedAt: expect.any(String) },
  ]);
  expect((await list('&state=superseded')).map(({ version }: { version: number }) => version)).toEqual([
    2, 1,
  ]);
});
