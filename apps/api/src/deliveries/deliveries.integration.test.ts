import { DELIVERY_STATES, type DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import {
  type EndpointFixture,
  insertEndpoint,
  insertOrder,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

type Server = Awaited<ReturnType<TestApi['addCustomerServer']>>;

let api: TestApi;
let server: Server;
let endpoint: EndpointFixture;
let secondEndpoint: EndpointFixture;
let other: Server;
let others: EndpointFixture;
let othersOrder: { orderId: string; deliveryIds: readonly string[] };
/** Of `server`, newest first. */
let deliveryIds: string[];
let orderId: string;

const STATES: DeliveryState[] = ['delivered', 'failed', 'superseded', 'cancelled', 'queued', 'blocked'];

beforeAll(async () => {
  api = await createTestApi();
  const { pool } = api.database;
  server = await api.addCustomerServer();
  other = await api.addCustomerServer();
  endpoint = await insertEndpoint(pool, { customerServerId: server.id, url: 'http://127.0.0.1:9/one' });
  secondEndpoint = await insertEndpoint(pool, { customerServerId: server.id });
  others = await insertEndpoint(pool, { customerServerId: other.id });
  const first = await insertOrder(pool, endpoint, STATES);
  const second = await insertOrder(pool, secondEndpoint, ['failed', 'waiting']);
  othersOrder = await insertOrder(pool, others, ['delivered', 'failed', 'waiting']);
  orderId = first.orderId;
  const created = [...first.deliveryIds, ...second.deliveryIds];
  for (const [index, id] of created.entries()) await setChangedAt(id, timeOf(index));
  for (const id of othersOrder.deliveryIds) await setChangedAt(id, timeOf(3));
  deliveryIds = created.reverse();
});
afterAll(() => api.close());

/** The third and fourth share theirs: only their ids tell them apart. */
function timeOf(index: number): string {
  return `2026-03-0${(index === 3 ? 2 : index) + 1}T12:00:00.000Z`;
}

async function setChangedAt(id: string, changedAt: string): Promise<void> {
  await api.database.pool.query('update deliveries set changed_at = $2 where id = $1', [id, changedAt]);
}

async function ask(url: string, headers: Record<string, string>, query: Record<string, string> = {}) {
  const answer = await api.app.inject({ url, headers, query });
  return { status: answer.statusCode, body: answer.json() };
}

const list = (query: Record<string, string> = {}, headers = server.headers) =>
  ask('/api/external/deliveries', headers, query);
const listAll = (query: Record<string, string> = {}) => ask('/api/admin/deliveries', api.operator, query);

const idsOf = ({ body }: { body: { data: { deliveryId: string }[] } }) =>
  body.data.map(({ deliveryId }) => deliveryId);

describe('the list', () => {
  test('holds the own deliveries, the newest change first, as they are read one by one', async () => {
    const page = await list();
    expect(idsOf(page)).toEqual(deliveryIds);
    expect(page.body.nextCursor).toBeNull();
    for (const item of page.body.data) {
      const one = await ask(`/api/external/deliveries/${item.deliveryId}`, server.headers);
      expect(one.body.data).toEqual({ ...item, attempts: [] });
    }
  });

  test.each([1, 2, 3, 7, 8, 200])('pages of %i hold every delivery once', async (limit) => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await list({ limit: String(limit), ...(cursor !== null && { cursor }) });
      expect(page.status).toBe(200);
      seen.push(...idsOf(page));
      cursor = page.body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(deliveryIds);
  });

  test.each(DELIVERY_STATES)('finds what is %s', async (state) => {
    const expected = (await list()).body.data.filter((item: { state: string }) => item.state === state);
    expect(expected.length).toBeGreaterThan(0);
    expect((await list({ state })).body.data).toEqual(expected);
    for (const { endpointId } of [endpoint, secondEndpoint]) {
      const ofEndpoint = expected.filter((item: { endpointId: string }) => item.endpointId === endpointId);
      expect((await list({ state, endpointId })).body.data).toEqual(ofEndpoint);
    }
  });

  test('of one state is paged over endpoints, deleted ones included', async () => {
    await api.database.pool.query('update webhook_endpoints set deleted_at = now() where id = $1', [
      secondEndpoint.endpointId,
    ]);
    const whole = idsOf(await list({ state: 'failed' }));
    expect(whole).toHaveLength(2);
    const first = await list({ state: 'failed', limit: '1' });
    const second = await list({ state: 'failed', limit: '1', cursor: first.body.nextCursor });
    expect([...idsOf(first), ...idsOf(second)]).toEqual(whole);
    expect(second.body.nextCursor).toBeNull();
  });

  test('finds by order, by endpoint and by time: since is inclusive, until exclusive', async () => {
    expect(idsOf(await list({ orderId }))).toEqual(deliveryIds.slice(2));
    expect(idsOf(await list({ endpointId: secondEndpoint.endpointId }))).toEqual(deliveryIds.slice(0, 2));
    expect(idsOf(await list({ since: timeOf(2), until: timeOf(5) }))).toEqual(deliveryIds.slice(3, 6));
    expect(idsOf(await list({ since: timeOf(5), until: timeOf(2) }))).toEqual([]);
    expect(
      idsOf(
        await list({
          orderId,
          endpointId: endpoint.endpointId,
          state: 'failed',
          since: timeOf(1),
          until: timeOf(2),
        }),
      ),
    ).toEqual([deliveryIds.at(-2)]);
  });

  test('shows nothing of another tenant, and not that it exists', async () => {
    for (const query of [{ orderId: othersOrder.orderId }, { endpointId: others.endpointId }] as Record<
      string,
      string
    >[]) {
      for (const more of [{}, { state: 'failed' }, { state: 'waiting' }]) {
        expect(await list({ ...query, ...more })).toEqual({
          status: 200,
          body: { ok: true, data: [], nextCursor: null },
        });
      }
    }
    const { body } = await list({ limit: '1' });
    expect(idsOf(await list({ cursor: body.nextCursor }, other.headers))).toEqual(
      [...othersOrder.deliveryIds].reverse(),
    );
    expect(idsOf(await list({ state: 'failed' }, other.headers))).toEqual([othersOrder.deliveryIds[1]]);
  });

  test.each([
    [{ state: 'lost' }, /^state must be one of/],
    [{ orderId: 'x' }, /^orderId must be an id/],
    [{ endpointId: '' }, /^endpointId must be an id/],
    [{ since: 'yesterday' }, /^since must be an RFC 3339 time/],
    [{ until: '2026-02-30T00:00:00Z' }, /^until must be an RFC 3339 time/],
    [{ limit: '0' }, /^limit must be/],
    [{ limit: '201' }, /^limit must be/],
    [{ cursor: 'x' }, /^cursor must be the nextCursor/],
    [{ customerServerId: '018c3430aa00a1b2c3d4e5f6' }, /^customerServerId/],
    [{ status: 'pending' }, /^status/],
  ] as [Record<string, string>, RegExp][])('refuses %j', async (query, detail) => {
    const { status, body } = await list(query);
    expect({ status, ...body }).toMatchObject({
      status: 400,
      code: 'validation_failed',
      details: [expect.stringMatching(detail)],
    });
  });
});

describe('a delivery', () => {
  test('says what it waits for', async () => {
    const { body } = await list({ orderId });
    const [blocked, queued, ...finished] = body.data;
    expect(blocked).toMatchObject({ state: 'blocked', blockedBy: queued.deliveryId, nextAttemptAt: null });
    expect(queued).toMatchObject({
      state: 'queued',
      blockedBy: null,
      nextAttemptAt: expect.any(String),
      finishedAt: null,
    });
    for (const one of finished) {
      expect(one).toMatchObject({ blockedBy: null, nextAttemptAt: null, finishedAt: expect.any(String) });
    }
  });

  test('shows its attempts, of very many the newest', async () => {
    const deliveryId = deliveryIds[3] ?? '';
    await api.database.pool.query(
      `insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, started_at, ended_at,
                                      duration_ms, outcome, reason, response_status, response_excerpt,
                                      error)
       select $1, n, case n when 1 then 'first' else 'resend' end, 'token', '2026-03-05T12:00:00Z',
              case when n < 101 then '2026-03-05T12:00:00.250Z'::timestamptz end, case when n < 101 then 250 end,
              case when n < 101 then 'rejected' end, case when n between 3 and 100 then 'server_error' end,
              case when n < 101 then 500 end,
              case when n < 101 then 'no' end, case when n < 101 then 'The endpoint answered 500.' end
         from generate_series(1, 101) n`,
      [deliveryId],
    );
    await api.database.pool.query(
      `update deliveries set attempt_count = 101, last_outcome = 'rejected', last_response_status = 500,
              last_error = 'The endpoint answered 500.' where id = $1`,
      [deliveryId],
    );
    const { body } = await ask(`/api/external/deliveries/${deliveryId}`, server.headers);
    expect(body.data).toMatchObject({ attemptCount: 101, lastOutcome: 'rejected', lastResponseStatus: 500 });
    expect(body.data.attempts.map((attempt: { attemptNumber: number }) => attempt.attemptNumber)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    );
    expect(body.data.attempts[1]).toMatchObject({ attemptNumber: 3, reason: 'server_error' });
    expect(body.data.attempts[0]).toEqual({
      attemptNumber: 2,
      trigger: 'resend',
      at: '2026-03-05T12:00:00.000Z',
      endedAt: '2026-03-05T12:00:00.250Z',
      durationMs: 250,
      outcome: 'rejected',
      // Of an attempt from before reasons were kept.
      reason: null,
      responseStatus: 500,
      error: 'The endpoint answered 500.',
      responseExcerpt: 'no',
    });
    expect(body.data.attempts.at(-1)).toMatchObject({ endedAt: null, outcome: null, durationMs: null });
  });

  test('takes no query', async () => {
    const { status, body } = await ask(`/api/external/deliveries/${deliveryIds[0]}`, server.headers, {
      x: '1',
    });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'validation_failed' });
  });

  test("of another tenant is 404, like one that isn't there", async () => {
    for (const id of [othersOrder.deliveryIds[0], '018c3430aa00a1b2c3d4e5f6', 'x', othersOrder.orderId]) {
      expect(await ask(`/api/external/deliveries/${id}`, server.headers)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
  });
});

describe('operators', () => {
  test('see the deliveries of all, and whose each is', async () => {
    const page = await listAll();
    expect(new Set(idsOf(page))).toEqual(new Set([...deliveryIds, ...othersOrder.deliveryIds]));
    const times: number[] = page.body.data.map(({ changedAt }: { changedAt: string }) =>
      Date.parse(changedAt),
    );
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const one = await ask(`/api/admin/deliveries/${othersOrder.deliveryIds[0]}`, api.operator);
    expect(one.body.data).toMatchObject({ customerServerId: other.id, state: 'delivered' });
  });

  test.each([{}, { state: 'failed' }, { state: 'waiting' }, { state: 'delivered' }] as Record<
    string,
    string
  >[])('page through %j over all tenants', async (query) => {
    const whole = await listAll(query);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await listAll({ ...query, limit: '2', ...(cursor !== null && { cursor }) });
      seen.push(...idsOf(page));
      cursor = page.body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(idsOf(whole));
    expect(seen.length).toBeGreaterThan(1);
  });

  test('find by customer server', async () => {
    expect(idsOf(await listAll({ customerServerId: server.id }))).toEqual(deliveryIds);
    expect(idsOf(await listAll({ customerServerId: other.id, state: 'failed' }))).toEqual([
      othersOrder.deliveryIds[1],
    ]);
  });

  test('only', async () => {
    for (const path of ['', `/${deliveryIds[0]}`]) {
      expect((await ask(`/api/admin/deliveries${path}`, server.headers)).status).toBe(401);
      expect((await ask(`/api/external/deliveries${path}`, {})).status).toBe(401);
    }
  });
});
