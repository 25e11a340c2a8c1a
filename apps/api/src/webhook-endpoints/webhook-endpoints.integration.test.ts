import { ORDER_STATUSES } from '@vendor-server/domain/orders/order-status.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import Schema from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import {
  createEndpointCalls,
  type EndpointCalls,
  type Method,
  URL_1,
  URL_2,
} from '../testing/endpoint-calls.ts';
import { CreatedEndpointResource, EndpointResource, RotatedSigningSecretResource } from './schemas.ts';

const FOREIGN_ID = '0190aaaaaaaabbbbbbbbcccc';

let api: TestApi;
let calls: EndpointCalls;
let owner: Record<string, string>;
let ownerId: string;

beforeAll(async () => {
  api = await createTestApi();
  calls = createEndpointCalls(api);
  ({ id: ownerId, headers: owner } = await api.addCustomerServer());
});
afterAll(() => api.close());

const ask = (method: Method, path: string, payload?: object, headers = owner) =>
  calls.ask(method, path, payload, headers);
const addEndpoint = (body?: object) => calls.addEndpoint(body);
const readStored = (id: string) => calls.readStored(id);
const openSecret = (sealed: string | null, id: string) => api.deps.secretBox.open(sealed ?? '', id);

describe('creating', () => {
  test('takes the defaults, and shows the signing secret once', async () => {
    const { status, body } = await ask('POST', '', { url: URL_1, unknown: true });
    expect(status).toBe(201);
    expect(Schema.Check(answerOf(CreatedEndpointResource), body)).toBe(true);
    const { signingSecret, ...resource } = body.data;
    expect(resource).toEqual({
      endpointId: expect.stringMatching(/^[0-9a-f]{24}$/),
      url: URL_1,
      statuses: null,
      mode: 'every_step',
      retryDelaysMs: null,
      timeoutMs: 10_000,
      sendSharedSecret: false,
      state: 'active',
      health: {
        state: 'healthy',
        reason: null,
        until: null,
        warning: null,
        window: 16,
        consecutiveFailures: 0,
        lastSuccessAt: null,
        oldestPendingAt: null,
        pending: 0,
        pendingCapped: false,
      },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(signingSecret).toMatch(/^whsec_/);
    const stored = await readStored(resource.endpointId);
    expect(stored).toMatchObject({ customerServerId: ownerId, isDefault: false });
    expect(openSecret(stored.signingSecretCiphertext, stored.id)).toBe(signingSecret);

    const read = await ask('GET', `/${resource.endpointId}`);
    expect(read.body).toEqual({ ok: true, data: resource });
    const list = await ask('GET', '');
    expect(Schema.Check(pageOf(EndpointResource), list.body)).toBe(true);
    expect(list.body).toEqual({ ok: true, data: [resource], nextCursor: null });
    const me = await ask('GET', '/api/external/me');
    expect(resource).toMatchObject(me.body.data.endpoints[0]);
  });

  test('takes everything an owner may choose', async () => {
    const preferences = {
      statuses: ['completed', 'cancelled'],
      mode: 'latest_only',
      retryDelaysMs: [100, 86_400_000],
      timeoutMs: 500,
      sendSharedSecret: true,
    };
    const { call, endpointId } = await addEndpoint(preferences);
    expect((await call('GET')).body.data).toMatchObject(preferences);
    expect(await readStored(endpointId)).toMatchObject({ allStatuses: false, ownRetryDelays: true });
  });

  test('takes null for the default, every status, and no retries', async () => {
    const nulls = { statuses: null, retryDelaysMs: null, timeoutMs: null };
    expect((await (await addEndpoint(nulls)).call('GET')).body.data).toMatchObject({
      statuses: null,
      retryDelaysMs: null,
      timeoutMs: 10_000,
    });
    const all = { statuses: [...ORDER_STATUSES], retryDelaysMs: [] };
    expect((await (await addEndpoint(all)).call('GET')).body.data).toMatchObject(all);
  });
});

test("the list is paged, newest first, and holds nobody else's", async () => {
  const { headers } = await api.addCustomerServer();
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    ids.push((await ask('POST', '', { url: URL_1 }, headers)).body.data.endpointId);
    await addEndpoint();
  }
  const list = async (query: string) => (await ask('GET', query, undefined, headers)).body;
  const idsOf = ({ data }: { data: { endpointId: string }[] }) => data.map(({ endpointId }) => endpointId);
  const first = await list('?limit=2');
  const second = await list(`?limit=2&cursor=${first.nextCursor}`);
  expect([...idsOf(first), ...idsOf(second)]).toEqual(ids.toReversed());
  expect(second.nextCursor).toBeNull();
});

describe('the limit', () => {
  test('of 10 holds when two create the last one at once, and a deletion makes room', async () => {
    const { id, headers } = await api.addCustomerServer(URL_1);
    const create = () => ask('POST', '', { url: URL_1 }, headers);
    for (let count = 2; count <= 9; count += 1) expect((await create()).status).toBe(201);

    // Both have begun, and neither has counted, when they go on.
    const client = await api.database.pool.connect();
    await client.query('begin');
    await client.query('select 1 from customer_servers where id = $1 for no key update', [id]);
    const last = Promise.all([create(), create()]);
    await expect.poll(countWaiting, { timeout: 5_000 }).toBe(2);
    await client.query('commit');
    client.release();

    const answers = await last;
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'endpoint_limit_reached',
      error: expect.stringContaining('at most 10'),
    });
    const { body } = await ask('GET', '', undefined, headers);
    expect(body.data).toHaveLength(10);
    expect((await ask('DELETE', `/${body.data[3].endpointId}`, undefined, headers)).status).toBe(200);
    expect((await create()).status).toBe(201);
  });

  async function countWaiting(): Promise<number | undefined> {
    const { rows } = await api.database.pool.query<{ waiting: number }>(
      `select count(*) as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]?.waiting;
  }
});

describe('changing', () => {
  test('what is given, and nothing else', async () => {
    const { call } = await addEndpoint({ statuses: ['completed'], timeoutMs: 2_000 });
    const before = (await call('GET')).body.data;
    const changes: object[] = [
      { url: URL_2 },
      { statuses: ['pending', 'cancelled'] },
      { mode: 'latest_only' },
      { retryDelaysMs: [200, 400] },
      { timeoutMs: 3_000 },
      { sendSharedSecret: true },
      { statuses: null },
    ];
    const expected = { ...before };
    for (const change of changes) {
      Object.assign(expected, change);
      const { status, body } = await call('PATCH', '', change);
      expect(status).toBe(200);
      expect(body.data).toEqual({ ...expected, updatedAt: expect.any(String) });
    }
    const back = await call('PATCH', '', { timeoutMs: null, retryDelaysMs: null });
    expect(back.body.data).toMatchObject({ timeoutMs: 10_000, retryDelaysMs: null });
    expect(Date.parse(back.body.data.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt));
    expect(await call('GET')).toEqual(back);
  });

  test('nothing changes nothing', async () => {
    const { call } = await addEndpoint();
    const before = await call('GET');
    expect(await call('PATCH', '', {})).toEqual(before);
    expect(await call('PATCH', '', { unknown: 1 })).toEqual(before);
    expect(await call('PATCH')).toEqual(before);
  });

  test('the URL opens nothing, but has a broken endpoint tried at once', async () => {
    const { call, endpointId } = await addEndpoint();
    const later = new Date(Date.now() + 3_600_000);
    const failing = {
      window: 0,
      consecutiveFailures: 7,
      failingSince: new Date('2026-01-01T00:00:00.000Z'),
      goneOrderIds: ['a', 'b'],
      nextProbeAt: later,
    };
    await api.database.prisma.webhookEndpoint.update({ where: { id: endpointId }, data: failing });
    expect((await call('PATCH', '', { url: URL_1, timeoutMs: 600 })).body.data.health).toMatchObject({
      state: 'broken',
      until: later.toISOString(),
    });
    expect((await call('PATCH', '', { url: URL_2 })).body.data.health).toMatchObject({
      state: 'broken',
      reason: '7 attempts in a row failed since 2026-01-01T00:00:00.000Z.',
    });
    const stored = await readStored(endpointId);
    expect(stored.goneOrderIds).toEqual([]);
    expect(stored.nextProbeAt?.getTime()).toBeLessThan(later.getTime());
  });
});

describe('rotating the signing secret', () => {
  test('shows the new one once, and has the old one sign for a day', async () => {
    const { call, endpointId, signingSecret } = await addEndpoint();
    const { status, body } = await call('POST', '/rotate-secret');
    expect(status).toBe(200);
    expect(Schema.Check(answerOf(RotatedSigningSecretResource), body)).toBe(true);
    expect(body.data).toMatchObject({ endpointId, signingSecret: expect.stringMatching(/^whsec_/) });
    expect(body.data.signingSecret).not.toBe(signingSecret);
    const hours = (Date.parse(body.data.overlapUntil) - Date.now()) / 3_600_000;
    expect(Math.round(hours * 10) / 10).toBe(24);

    const stored = await readStored(endpointId);
    expect(openSecret(stored.signingSecretCiphertext, endpointId)).toBe(body.data.signingSecret);
    expect(openSecret(stored.previousSigningSecretCiphertext, endpointId)).toBe(signingSecret);
    expect(stored.signingOverlapUntil?.toISOString()).toBe(body.data.overlapUntil);
    expect(JSON.stringify(await call('GET'))).not.toContain('whsec_');
  });

  test('at once leaves no old one, and twice leaves the younger of the old ones', async () => {
    const { call, endpointId } = await addEndpoint();
    const first = (await call('POST', '/rotate-secret', { overlapHours: 0.5 })).body.data;
    expect(Math.round((Date.parse(first.overlapUntil) - Date.now()) / 60_000)).toBe(30);
    await call('POST', '/rotate-secret', { overlapHours: 168 });
    const twice = await readStored(endpointId);
    expect(openSecret(twice.previousSigningSecretCiphertext, endpointId)).toBe(first.signingSecret);
    const atOnce = await call('POST', '/rotate-secret', { overlapHours: 0 });
    expect(atOnce.body.data.overlapUntil).toBeNull();
    expect(await readStored(endpointId)).toMatchObject({
      previousSigningSecretCiphertext: null,
      signingOverlapUntil: null,
    });
  });

  test('gives the default endpoint one that is shown', async () => {
    const { headers } = await api.addCustomerServer(URL_1);
    const [endpoint] = (await ask('GET', '', undefined, headers)).body.data;
    expect(endpoint.sendSharedSecret).toBe(true);
    const rotated = await ask('POST', `/${endpoint.endpointId}/rotate-secret`, undefined, headers);
    expect(rotated.body.data.signingSecret).toMatch(/^whsec_/);
  });
});

describe("another tenant's endpoint", () => {
  test.each<[Method, string]>([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/rotate-secret'],
    ['POST', '/pause'],
    ['POST', '/resume'],
    ['POST', '/enable'],
  ])('is not there to %s%s', async (method, path) => {
    const { endpointId } = await addEndpoint();
    const before = await readStored(endpointId);
    const payload = method === 'PATCH' ? { url: URL_2 } : undefined;
    for (const id of [endpointId, FOREIGN_ID, 'x']) {
      expect(await ask(method, `/${id}${path}`, payload)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
    expect(await readStored(endpointId)).toEqual(before);
  });

  test('is in no list but its own', async () => {
    const { endpointId, server } = await addEndpoint();
    expect(JSON.stringify((await ask('GET', '')).body)).not.toContain(endpointId);
    const own = await ask('GET', '', undefined, server.headers);
    expect(own.body.data.map((one: { endpointId: string }) => one.endpointId)).toEqual([endpointId]);
  });
});

test('without the right secret nothing is told', async () => {
  for (const headers of [{}, { 'x-customer-secret': hashSecret('wrong') }]) {
    expect(await ask('GET', '', undefined, headers)).toMatchObject({ status: 401 });
    expect(await ask('POST', '', { url: URL_1 }, headers)).toMatchObject({ status: 401 });
  }
});

test('no secret is in the log', async () => {
  const { signingSecret, call } = await addEndpoint();
  const rotated = (await call('POST', '/rotate-secret')).body.data.signingSecret;
  const log = api.logLines.join('');
  expect(log).not.toContain(signingSecret);
  expect(log).not.toContain(rotated);
});
