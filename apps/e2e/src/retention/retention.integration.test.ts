/** What callers of the API see of what retention has removed, and while it does. */
import { readAttemptsOf } from '@vendor-server/api/deliveries/read-attempts-of.ts';
import { createTestApi, PARTNER_SECRET, type TestApi } from '@vendor-server/api/testing/create-test-api.ts';
import { buildServiceOrder } from '@vendor-server/api/testing/sample-bodies.ts';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { insertReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createSweepStage, type SweepStage } from '@vendor-server/worker/testing/sweep-stage.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let stage: SweepStage;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer('http://127.0.0.1:4000/');
  stage = createSweepStage(api.database, { retentionDays: 30, retentionOrdersDays: 90 });
});

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  { headers = server.headers, payload }: { headers?: Record<string, string>; payload?: object } = {},
) {
  const answer = await api.app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

async function createOrder(headers: Record<string, string> = {}): Promise<string> {
  const { status, body } = await ask('POST', '/api/external/orders', {
    headers: { ...server.headers, ...headers },
    payload: buildServiceOrder(),
  });
  expect(status).toBe(201);
  return body.data.orderId;
}

/** An order that was created and cancelled, and told of, so many days ago. */
async function createOld(days: number): Promise<{ orderId: string; deliveryIds: string[] }> {
  const orderId = await createOrder();
  expect((await ask('POST', `/api/external/orders/${orderId}/cancel`)).status).toBe(200);
  await api.database.pool.query(
    `update deliveries set state = 'delivered', finished_at = now(), job_due_at = null where order_id = $1`,
    [orderId],
  );
  await assignFeedPositions(api.database);
  await stage.age(orderId, days);
  const { body } = await ask('GET', `/api/external/deliveries?orderId=${orderId}`);
  return { orderId, deliveryIds: body.data.map(({ deliveryId }: { deliveryId: string }) => deliveryId) };
}

/** Everything of a list, a page of one at a time. */
async function readPages(url: string, cursorName: 'cursor' | 'after', betweenPages: () => Promise<unknown>) {
  const items: Record<string, unknown>[] = [];
  const separator = url.includes('?') ? '&' : '?';
  let cursor: string | null = null;
  for (;;) {
    const query: string = cursor === null ? 'limit=1' : `limit=1&${cursorName}=${cursor}`;
    const { status, body } = await ask('GET', `${url}${separator}${query}`);
    if (status !== 200) return { items, status, body };
    items.push(...body.data);
    if (body.data.length === 0 || body.nextCursor === null) return { items, status, body };
    cursor = body.nextCursor;
    await betweenPages();
  }
}

describe('pruned deliveries', () => {
  test('show as such in the timeline, and are not found by their ids', async () => {
    const { orderId, deliveryIds } = await createOld(31);
    expect(deliveryIds).toHaveLength(2);
    await stage.sweep();
    const { body } = await ask('GET', `/api/external/orders/${orderId}/timeline`);
    const pruned = {
      endpointId: expect.any(String),
      url: 'http://127.0.0.1:4000/',
      state: 'delivered',
      prunedAt: expect.stringMatching(/Z$/),
    };
    expect(body.data).toMatchObject([
      { version: 1, to: 'pending', deliveries: [pruned] },
      { version: 2, to: 'cancelled', deliveries: [pruned] },
    ]);
    expect((await ask('GET', `/api/external/deliveries?orderId=${orderId}`)).body.data).toEqual([]);
    for (const prefix of ['/api/external', '/api/admin']) {
      const headers = prefix === '/api/admin' ? api.operator : server.headers;
      const url = `${prefix}/deliveries/${deliveryIds[0]}`;
      expect((await ask('GET', url, { headers })).status).toBe(404);
      expect((await ask('POST', `${url}/resend`, { headers })).status).toBe(404);
    }
    expect((await ask('GET', `/api/external/orders/${orderId}`)).status).toBe(200);
  });

  test('are not shown without their attempts when they are removed between the two', async () => {
    const { deliveryIds } = await createOld(31);
    const [deliveryId = ''] = deliveryIds;
    const { pool } = api.database;
    expect(await readAttemptsOf(pool, { deliveryId, attemptCount: 0 })).toEqual([]);
    await expect(readAttemptsOf(pool, { deliveryId, attemptCount: 1 })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('leave a list while it is read, and nothing else does', async () => {
    const old = [await createOld(32), await createOld(31)];
    const young = [await createOld(29), await createOld(28)];
    const { items, status } = await readPages('/api/external/deliveries', 'cursor', () => stage.sweep());
    expect(status).toBe(200);
    const ids = items.map(({ deliveryId }) => String(deliveryId));
    expect(ids.toSorted()).toEqual(young.flatMap(({ deliveryIds }) => deliveryIds).toSorted());
    expect(await stage.readPruned(old[0]!.orderId)).toEqual(['delivered', 'delivered']);
  });

  test('are left out by a replay, which opens the others', async () => {
    const [old, young] = [await createOld(31), await createOld(29)];
    await stage.sweep();
    const since = new Date(Date.now() - 40 * 86_400_000);
    const { rows } = await api.database.pool.query<{ id: string }>(
      'select id from webhook_endpoints where customer_server_id = $1',
      [server.id],
    );
    const replayId = await insertReplay(api.database.pool, {
      customerServerId: server.id,
      endpointIds: rows.map(({ id }) => id),
      since,
      states: ['delivered'],
    });
    const read = () => ask('GET', `/api/external/deliveries/replay/${replayId}`);
    expect((await read()).body.data.state).toBe('running');
    expect(await stage.readPruned(old.orderId)).toHaveLength(2);
    expect(await stage.readPruned(young.orderId)).toEqual([]);
    await api.database.pool.query(
      `update replays set state = 'completed', finished_at = now() - interval '31 days' where id = $1`,
      [replayId],
    );
    await stage.sweep();
    expect((await read()).status).toBe(404);
  });
});

describe('a removed order', () => {
  test('is known to nobody', async () => {
    const { orderId } = await createOld(91);
    await stage.sweep();
    const url = `/api/external/orders/${orderId}`;
    for (const [method, path] of [
      ['GET', url],
      ['GET', `${url}/timeline`],
      ['POST', `${url}/cancel`],
    ] as const) {
      expect((await ask(method, path)).status, path).toBe(404);
    }
    const headers = api.operator;
    expect((await ask('DELETE', `/api/admin/orders/${orderId}/personal-data`, { headers })).status).toBe(404);
    const update = { vendorId: 'v-1', orderId, status: 'completed' };
    const answer = await ask('POST', '/api/external/vendor-update', {
      headers: { 'x-vendor-secret': PARTNER_SECRET },
      payload: update,
    });
    expect(answer).toMatchObject({ status: 200, body: { orderUpdated: false, reason: expect.any(String) } });
  });

  test('leaves the list of orders while it is read', async () => {
    const [, young] = [await createOld(91), await createOld(89)];
    const { items } = await readPages('/api/external/orders', 'cursor', () => stage.sweep());
    expect(items.map(({ orderId }) => orderId)).toEqual([young.orderId]);
  });
});

describe('the feed', () => {
  const idsOf = (items: readonly Record<string, unknown>[]) => items.map(({ orderId }) => orderId);

  test('goes on after what was removed, and tells an older cursor where', async () => {
    const [old, young] = [await createOld(91), await createOld(89)];
    const first = await ask('GET', '/api/external/events?limit=1');
    expect(idsOf(first.body.data)).toEqual([old.orderId]);
    await stage.sweep();
    const expired = await ask('GET', `/api/external/events?after=${first.body.nextCursor}`);
    expect(expired).toMatchObject({ status: 410, body: { code: 'cursor_expired' } });
    const { oldestCursor } = expired.body;
    const rest = await ask('GET', `/api/external/events?after=${oldestCursor}`);
    expect(idsOf(rest.body.data)).toEqual([young.orderId, young.orderId]);
    expect(idsOf((await ask('GET', '/api/external/events')).body.data)).toEqual(idsOf(rest.body.data));
  });

  test('says so to a reader from under whose pages something is removed, instead of skipping it', async () => {
    const [old, young] = [await createOld(91), await createOld(89)];
    const read = await readPages('/api/external/events', 'after', () => stage.sweep());
    expect(idsOf(read.items)).toEqual([old.orderId]);
    expect(read).toMatchObject({ status: 410, body: { oldestCursor: expect.any(String) } });
    const again = await readPages('/api/external/events', 'after', () => stage.sweep());
    expect(again.status).toBe(200);
    expect(idsOf(again.items)).toEqual([young.orderId, young.orderId]);
  });
});

describe('an idempotency key', () => {
  const age = (days: number) =>
    api.database.pool.query(
      `update idempotency_keys set created_at = now() - interval '1 day' * $1::float8`,
      [days],
    );

  test('gives its answer as long as it is kept, and makes a new order after', async () => {
    const create = () => createOrder({ 'idempotency-key': `key of ${server.id}` });
    const orderId = await create();
    await age(29);
    await stage.sweep();
    expect(await create()).toBe(orderId);
    await age(31);
    await stage.sweep();
    const newId = await create();
    expect(newId).not.toBe(orderId);
    await stage.sweep();
    expect(await create()).toBe(newId);
  });
});
