import { ENDPOINT_HEALTH_STATES } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import { insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import Schema from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { createEndpointCalls, type EndpointCalls, URL_1, URL_2 } from '../testing/endpoint-calls.ts';
import { OperatorEndpointResource } from './schemas.ts';

const PATH = '/api/admin/webhook-endpoints';
const HOUR_MS = 3_600_000;
const SINCE = new Date(Date.now() - HOUR_MS);

let api: TestApi;
let calls: EndpointCalls;

beforeAll(async () => {
  api = await createTestApi();
  calls = createEndpointCalls(api);
});
afterAll(() => api.close());

const get = (path = '') => calls.ask('GET', `${PATH}${path}`, undefined, api.operator);
const idsOf = (body: { data: { endpointId: string }[] }) => body.data.map(({ endpointId }) => endpointId);

type Stored = Parameters<TestApi['database']['prisma']['webhookEndpoint']['update']>[0]['data'];

async function addEndpoint(stored: Stored = {}) {
  const added = await calls.addEndpoint();
  await api.database.prisma.webhookEndpoint.update({ where: { id: added.endpointId }, data: stored });
  return added;
}

test('an operator sees in one look whose endpoint fails, since when and how', async () => {
  const failing = await addEndpoint({
    consecutiveFailures: 12,
    failingSince: SINCE,
    lastFailureAt: new Date(SINCE.getTime() + 600_000),
    lastFailureReason: 'rejected 503',
    lastSuccessAt: new Date(SINCE.getTime() - 60_000),
  });
  const owner = { customerServerId: failing.server.id, endpointId: failing.endpointId };
  await insertOrder(api.database.pool, owner, ['delivered', 'queued', 'blocked']);
  await api.database.pool.query(`update deliveries set changed_at = $2 where endpoint_id = $1`, [
    failing.endpointId,
    SINCE,
  ]);
  const { status, body } = await get('?state=struggling');
  expect(status).toBe(200);
  expect(Schema.Check(pageOf(OperatorEndpointResource), body)).toBe(true);
  expect(body.data).toEqual([
    expect.objectContaining({
      customerServerId: failing.server.id,
      customerServerName: 'Test customer server',
      endpointId: failing.endpointId,
      url: URL_1,
      state: 'active',
      failingSince: SINCE.toISOString(),
      lastFailureAt: new Date(SINCE.getTime() + 600_000).toISOString(),
      lastFailureReason: 'rejected 503',
      health: {
        state: 'struggling',
        reason: `12 attempts in a row failed since ${SINCE.toISOString()}, the last one with: rejected 503.`,
        until: null,
        warning: null,
        window: 16,
        consecutiveFailures: 12,
        lastSuccessAt: new Date(SINCE.getTime() - 60_000).toISOString(),
        oldestPendingAt: SINCE.toISOString(),
        pending: 2,
        pendingCapped: false,
      },
    }),
  ]);
  const one = await get(`/${failing.endpointId}`);
  expect(Schema.Check(answerOf(OperatorEndpointResource), one.body)).toBe(true);
  expect(one.body.data).toEqual(body.data[0]);
  expect(JSON.stringify(one.body)).not.toContain('whsec_');
});

test('an endpoint says when what it holds is given up, and when it is disabled', async () => {
  const { server, ...added } = await addEndpoint({
    window: 0,
    brokenSince: new Date(SINCE.getTime() - HOUR_MS),
    nextProbeAt: SINCE,
    stateChangedAt: new Date(SINCE.getTime() - 1_000 * HOUR_MS),
    consecutiveFailures: 12,
    failingSince: new Date(SINCE.getTime() - 100 * HOUR_MS),
  });
  const owner = { customerServerId: server.id, endpointId: added.endpointId };
  const { orderId } = await insertOrder(api.database.pool, owner, ['waiting', 'blocked']);
  await api.database.pool.query(
    `update deliveries set due_at = $2 where order_id = $1 and state = 'waiting'`,
    [orderId, SINCE],
  );
  const givenUpAt = new Date(SINCE.getTime() + 72 * HOUR_MS).toISOString();
  const disabledAt = new Date(SINCE.getTime() + 20 * HOUR_MS).toISOString();
  expect((await get(`/${added.endpointId}`)).body.data.health).toMatchObject({
    state: 'broken',
    until: SINCE.toISOString(),
    warning: `Changes wait for it: they are sent when it answers again. The oldest is given up at ${givenUpAt}. It is disabled at ${disabledAt}, unless it accepts a webhook before.`,
  });
  const { body } = await calls.ask('POST', `${PATH}/${added.endpointId}/pause`, undefined, api.operator);
  expect(body.data.health).toMatchObject({
    state: 'paused',
    until: null,
    warning: `Changes wait for it: they are sent when it is resumed. The oldest is given up at ${givenUpAt}.`,
  });
});

describe('the list', () => {
  test('by state holds those whose health says so, and no other', async () => {
    const facts: Stored[] = [];
    for (const state of ['active', 'paused', 'disabled']) {
      for (const window of [0, 1, 16]) {
        for (const consecutiveFailures of [0, 1, 3, 50]) {
          const failingSince = consecutiveFailures > 0 ? SINCE : null;
          const nextProbeAt = window === 0 ? SINCE : null;
          facts.push({ state, window, nextProbeAt, consecutiveFailures, failingSince });
        }
      }
    }
    const ids = new Set<string>();
    for (const stored of facts) ids.add((await addEndpoint(stored)).endpointId);
    const deleted = await addEndpoint({ state: 'paused', deletedAt: new Date() });
    const seen: string[] = [];
    for (const state of ENDPOINT_HEALTH_STATES) {
      const { body } = await get(`?state=${state}&limit=200`);
      for (const one of body.data) expect(one.health.state).toBe(state);
      seen.push(...idsOf(body));
    }
    expect(seen.filter((id) => ids.has(id)).length).toBe(facts.length);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).not.toContain(deleted.endpointId);
    const everything = idsOf((await get('?limit=200')).body);
    expect(everything.toSorted()).toEqual(seen.toSorted());
  });

  test('is paged, newest first, also by state', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await addEndpoint({ state: 'disabled' })).endpointId);
    for (const filter of ['', '&state=disabled']) {
      const first = await get(`?limit=2${filter}`);
      const second = await get(`?limit=1${filter}&cursor=${first.body.nextCursor}`);
      expect([...idsOf(first.body), ...idsOf(second.body)]).toEqual(ids.toReversed());
    }
  });

  test("by customer server holds that one's", async () => {
    const { endpointId, server } = await addEndpoint();
    await addEndpoint();
    const { body } = await get(`?customerServerId=${server.id}`);
    expect(idsOf(body)).toEqual([endpointId]);
    expect(body.nextCursor).toBeNull();
    expect((await get(`?customerServerId=${server.id}&state=broken`)).body.data).toEqual([]);
  });

  test.each([
    ['state=active', 'state must be one of [healthy, struggling, broken, paused, disabled]'],
    ['state=', 'state must be one of [healthy, struggling, broken, paused, disabled]'],
    ['customerServerId=x', 'customerServerId must be an id of 24 lower-case hexadecimal characters'],
    ['cursor=x', 'cursor must be the nextCursor of an earlier page'],
    ['limit=201', 'limit must be an integer between 1 and 200'],
    ['url=x', 'url is not known here'],
  ])('refuses ?%s', async (query, fault) => {
    const { status, body } = await get(`?${query}`);
    expect({ status, details: body.details }).toEqual({ status: 400, details: [fault] });
  });
});

test('a backlog is counted to 1000 and no further, with the oldest of what goes next', async () => {
  const { endpointId, server } = await addEndpoint({ state: 'paused' });
  const owner = { customerServerId: server.id, endpointId };
  const { orderId } = await insertOrder(api.database.pool, owner, []);
  await api.database.pool.query(
    `with o as (select new_id() as id, n from generate_series(1, 1001) n),
          orders as (insert into orders select (jsonb_populate_record(base, jsonb_build_object('id', o.id))).*
                       from o, orders base where base.id = $2 returning id),
          changes as (insert into order_transitions (id, order_id, customer_server_id, version, to_status,
                                                     actor_type, changed_at, body)
                      select new_id(), orders.id, $3, 1, 'pending', 'admin', $4, '{}' from orders
                      returning id, order_id)
     insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                             changed_at, state)
     select new_id(), $3, id, order_id, 1, $1, $4, 'waiting' from changes`,
    [endpointId, orderId, server.id, SINCE],
  );
  expect((await get(`/${endpointId}`)).body.data.health).toMatchObject({
    pending: 1_000,
    pendingCapped: true,
    oldestPendingAt: SINCE.toISOString(),
  });
  await api.database.pool.query(
    `delete from deliveries where id = (select id from deliveries where endpoint_id = $1 limit 1)`,
    [endpointId],
  );
  expect((await get(`/${endpointId}`)).body.data.health).toMatchObject({
    pending: 1_000,
    pendingCapped: false,
  });
});

describe('an operator', () => {
  test('pauses, and its customer server may resume', async () => {
    const { endpointId, server, call } = await addEndpoint();
    const headers = { ...api.operator, 'x-operator': 'night-shift' };
    const paused = await calls.ask('POST', `${PATH}/${endpointId}/pause`, undefined, headers);
    expect(paused.body.data).toMatchObject({
      customerServerId: server.id,
      state: 'paused',
      health: { state: 'paused', reason: 'Paused by an operator.' },
    });
    const line = api.logLines.find((one) => one.includes(endpointId) && one.includes('state changed'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      customerServerId: server.id,
      from: 'active',
      to: 'paused',
      actor: { type: 'admin', id: 'night-shift' },
    });
    // Who it was is the log's business.
    expect(JSON.stringify(await call('GET'))).not.toContain('night-shift');
    expect((await call('POST', '/resume')).body.data.state).toBe('active');
  });

  test('resumes and enables', async () => {
    const { endpointId } = await addEndpoint({ state: 'paused' });
    const ask = (action: string) =>
      calls.ask('POST', `${PATH}/${endpointId}/${action}`, undefined, api.operator);
    expect(await ask('enable')).toMatchObject({ status: 409, body: { code: 'endpoint_paused' } });
    expect((await ask('resume')).body.data.state).toBe('active');
    await api.database.prisma.webhookEndpoint.update({
      where: { id: endpointId },
      data: { state: 'disabled' },
    });
    expect((await ask('enable')).body.data).toMatchObject({ state: 'active', health: { window: 1 } });
  });

  test('changes what its customer server may change, within the same bounds', async () => {
    const { endpointId, server, call } = await addEndpoint();
    const patch = (payload: object) => calls.ask('PATCH', `${PATH}/${endpointId}`, payload, api.operator);
    const changed = await patch({ url: URL_2, statuses: ['completed'], timeoutMs: 500 });
    expect(changed.body.data).toMatchObject({ customerServerId: server.id, url: URL_2, timeoutMs: 500 });
    expect((await call('GET')).body.data).toMatchObject({ url: URL_2, statuses: ['completed'] });
    for (const payload of [{ url: 'http://10.0.0.1/' }, { retryDelaysMs: [99] }]) {
      expect(await patch(payload)).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    }
  });

  test('gives an endpoint another signing secret, and deletes it', async () => {
    const { endpointId, server, signingSecret, call } = await addEndpoint();
    const one = `${PATH}/${endpointId}`;
    const rotated = await calls.ask('POST', `${one}/rotate-secret`, { overlapHours: 0 }, api.operator);
    expect(rotated.body.data).toEqual({
      endpointId,
      signingSecret: expect.stringMatching(/^whsec_/),
      overlapUntil: null,
    });
    expect(rotated.body.data.signingSecret).not.toBe(signingSecret);
    const owner = { customerServerId: server.id, endpointId };
    const { deliveryIds } = await insertOrder(api.database.pool, owner, ['queued']);
    const headers = { ...api.operator, 'x-operator': 'day-shift' };
    const deleted = await calls.ask('DELETE', one, undefined, headers);
    expect(deleted.body.data).toEqual({ endpointId, deletedAt: expect.any(String) });
    expect(await call('GET')).toMatchObject({ status: 404 });
    const delivery = await calls.ask(
      'GET',
      `/api/external/deliveries/${deliveryIds[0]}`,
      undefined,
      server.headers,
    );
    expect(delivery.body.data).toMatchObject({ state: 'cancelled' });
    const line = api.logLines.find((each) => each.includes(endpointId) && each.includes('deleted'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ actor: { type: 'admin', id: 'day-shift' } });
  });

  test.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/rotate-secret'],
    ['POST', '/pause'],
  ] as const)('is told of an endpoint that is not there: %s %s', async (method, path) => {
    const payload = method === 'PATCH' ? { timeoutMs: 500 } : undefined;
    for (const id of ['0190aaaaaaaabbbbbbbbcccc', 'x']) {
      const answer = await calls.ask(method, `${PATH}/${id}${path}`, payload, api.operator);
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
  });

  test('is asked for a credential; that of a customer server is none', async () => {
    const { server } = await addEndpoint();
    for (const headers of [{}, server.headers]) {
      expect(await calls.ask('GET', PATH, undefined, headers)).toMatchObject({ status: 401 });
    }
  });
});
