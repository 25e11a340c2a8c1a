import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { writeChange } from '@vendor-server/platform/testing/feed-fixtures.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { encodeFeedCursor } from './feed-cursor.ts';

type Server = Awaited<ReturnType<TestApi['addCustomerServer']>>;

let api: TestApi;
let server: Server;
let other: Server;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer();
  other = await api.addCustomerServer();
});

async function read(query: Record<string, string> = {}, { headers }: Pick<Server, 'headers'> = server) {
  const answer = await api.app.inject({ url: '/api/external/events', headers, query });
  return { status: answer.statusCode, text: answer.body, body: answer.json(), answer };
}

/** Everything after a cursor, a page at a time. */
async function readAll(limit: number, after?: string) {
  const events: { orderId: string; version: number }[] = [];
  let cursor = after;
  for (;;) {
    const { body } = await read({ limit: String(limit), ...(cursor !== undefined && { after: cursor }) });
    if (body.data.length === 0) return { events, nextCursor: body.nextCursor };
    events.push(...body.data);
    cursor = body.nextCursor;
  }
}

async function createOrder({ headers }: Server = server, changes: object = {}): Promise<string> {
  const payload = buildServiceOrder({ ...changes });
  const answer = await api.app.inject({ method: 'POST', url: '/api/external/orders', headers, payload });
  return answer.json().data.orderId;
}

async function cancel(orderId: string): Promise<void> {
  const url = `/api/external/orders/${orderId}/cancel`;
  const { statusCode } = await api.app.inject({ method: 'POST', url, headers: server.headers });
  expect(statusCode).toBe(200);
}

const writeOwn = (count: number) => writeFor(server, count);
async function writeFor({ id }: Server, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await writeChange(api.database.pool, id);
}

describe('the feed', () => {
  test('holds every change right after it was made, in the very bytes of its webhook', async () => {
    const orderId = await createOrder(server, { description: 'Écran cassé' });
    await createOrder(other);
    await cancel(orderId);
    const { status, text, body, answer } = await read();
    expect(status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(body.data).toMatchObject([
      { orderId, version: 1, status: 'pending', previousStatus: null },
      { orderId, version: 2, status: 'cancelled', previousStatus: 'pending' },
    ]);
    const { rows } = await api.database.pool.query<{ body: string }>(
      'select body from order_transitions where order_id = $1 order by version',
      [orderId],
    );
    expect(text).toBe(
      `{"ok":true,"data":[${rows.map((row) => row.body).join(',')}],"nextCursor":"${body.nextCursor}"}`,
    );
  });

  test('keeps bytes that parsing would lose', async () => {
    const { orderId } = await writeChange(api.database.pool, server.id);
    const { rows } = await api.database.pool.query<{ body: string }>(
      `update order_transitions
          set body = replace(replace(body, '"fare":250', '"fare": 250.00'), 'Doe', '\u0044oe')
        where order_id = $1 returning body`,
      [orderId],
    );
    const bytes = rows[0]?.body ?? '';
    expect(JSON.stringify(JSON.parse(bytes))).not.toBe(bytes);
    expect((await read()).text).toContain(bytes);
  });

  test.each([1, 2, 3, 5, 200])('pages of %i hold every change once', async (limit) => {
    await writeOwn(3);
    await writeFor(other, 2);
    await writeOwn(2);
    const { rows } = await api.database.pool.query<{ orderId: string }>(
      'select order_id as "orderId" from order_transitions where customer_server_id = $1 order by seq',
      [server.id],
    );
    const { events } = await readAll(limit);
    expect(events.map(({ orderId }) => orderId)).toEqual(rows.map(({ orderId }) => orderId));
  });

  test('never ends: an empty page gives the cursor back, and what comes later follows it', async () => {
    const empty = await read();
    expect(empty.body).toEqual({ ok: true, data: [], nextCursor: expect.any(String) });
    expect((await read({ after: empty.body.nextCursor })).body).toEqual(empty.body);
    await writeOwn(2);
    const { events, nextCursor } = await readAll(50, empty.body.nextCursor);
    expect(events).toHaveLength(2);
    expect((await read({ after: nextCursor })).body).toEqual({ ok: true, data: [], nextCursor });
    await writeFor(other, 1);
    expect((await read({ after: nextCursor })).body).toEqual({ ok: true, data: [], nextCursor });
    await writeOwn(1);
    expect((await read({ after: nextCursor })).body.data).toHaveLength(1);
  });

  test('shows nothing of another tenant, also after its cursor', async () => {
    await writeFor(other, 3);
    expect((await read()).body.data).toEqual([]);
    const { nextCursor } = (await read({ limit: '1' }, other)).body;
    expect((await read({ after: nextCursor })).body.data).toEqual([]);
    expect((await read({ after: nextCursor }, other)).body.data).toHaveLength(2);
    expect((await read({}, { headers: {} })).status).toBe(401);
  });

  test('cuts a page of large bodies, and always holds one', async () => {
    await writeOwn(6);
    const sizes = [900, 200, 1, 2_000, 1, 1].map((kib) => kib * 1024);
    const { rows } = await api.database.pool.query<{ id: string; orderId: string }>(
      'select id, order_id as "orderId" from order_transitions where customer_server_id = $1 order by seq',
      [server.id],
    );
    for (const [index, { id }] of rows.entries()) {
      await api.database.pool.query(
        `update order_transitions set body = replace(body, 'Doe', repeat('x', $2)) where id = $1`,
        [id, sizes[index]],
      );
    }
    const orderIds = rows.map(({ orderId }) => orderId);
    const pages: number[][] = [];
    let after: string | undefined;
    do {
      const { body } = await read(after === undefined ? {} : { after });
      pages.push(body.data.map(({ orderId }: { orderId: string }) => orderIds.indexOf(orderId)));
      after = body.nextCursor;
    } while (pages.at(-1)?.length !== 0);
    expect(pages).toEqual([[0, 1], [2, 3], [4, 5], []]);
  });
});

describe('what retention removed', () => {
  /** As the sweep does it; see the migration that made `feed_pruned_through`. */
  async function pruneFirst(count: number): Promise<void> {
    await api.database.pool.query(
      `with gone as (
         delete from order_transitions where id in
           (select id from order_transitions where customer_server_id = $1 order by feed_position limit $2)
         returning feed_position)
       update customer_servers
          set feed_pruned_through = greatest(feed_pruned_through, (select max(feed_position) from gone))
        where id = $1`,
      [server.id, count],
    );
  }

  test('an older cursor is told, with the oldest valid one', async () => {
    await writeOwn(4);
    const beginning = encodeFeedCursor(0);
    const [first, second, third] = [
      await read({ limit: '1' }),
      await read({ limit: '2' }),
      await read({ limit: '3' }),
    ];
    await pruneFirst(2);
    const oldestCursor = second.body.nextCursor;
    for (const after of [beginning, first.body.nextCursor]) {
      const { status, body } = await read({ after });
      expect(status).toBe(410);
      expect(body).toEqual({
        ok: false,
        error: expect.stringContaining('oldestCursor'),
        code: 'cursor_expired',
        details: [`after must not be older than ${oldestCursor}`],
        oldestCursor,
        requestId: expect.any(String),
      });
    }
    expect((await read({ after: oldestCursor })).body.data).toHaveLength(2);
    expect((await read({ after: third.body.nextCursor })).body.data).toHaveLength(1);
    // Who begins anew begins where the feed is complete, and gets on from there.
    expect((await read()).body.data).toHaveLength(2);
    expect((await readAll(1)).events).toHaveLength(2);
  });

  test('an older change that is still there is not mixed in', async () => {
    await writeOwn(3);
    await read();
    // The second order ended and was removed; the first is open.
    await api.database.pool.query(
      `with gone as (delete from order_transitions where id =
           (select id from order_transitions where customer_server_id = $1 order by seq offset 1 limit 1)
         returning feed_position)
       update customer_servers set feed_pruned_through = (select feed_position from gone) where id = $1`,
      [server.id],
    );
    expect((await readAll(1)).events).toHaveLength(1);
  });

  test('with nothing left: a cursor that goes on working', async () => {
    await writeOwn(2);
    await read();
    await pruneFirst(2);
    const { body } = await read();
    expect(body.data).toEqual([]);
    expect((await read({ after: body.nextCursor })).status).toBe(200);
    await writeOwn(1);
    expect((await read({ after: body.nextCursor })).body.data).toHaveLength(1);
  });
});

test.each([
  [{ after: '' }, /^after must be the nextCursor/],
  [{ after: 'x' }, /^after must be the nextCursor/],
  [{ after: Buffer.from('f-1').toString('base64url') }, /^after must be the nextCursor/],
  [{ after: Buffer.from('f9999999999999999').toString('base64url') }, /^after must be the nextCursor/],
  [{ after: Buffer.from('f1').toString('base64') }, /^after must be the nextCursor/],
  // A position that was never given.
  [{ after: encodeFeedCursor(4_000_000_000) }, /^after must be the nextCursor/],
  [{ after: Buffer.from('1772366400000.0190aaaaaaaabbbbbbbbcccc').toString('base64url') }, /^after must be/],
  [{ limit: '0' }, /^limit must be/],
  [{ limit: '201' }, /^limit must be/],
  [{ cursor: encodeFeedCursor(0) }, /^cursor/],
  [{ since: '2026-01-01T00:00:00Z' }, /^since/],
] as [Record<string, string>, RegExp][])('refuses %j', async (query, detail) => {
  expect(await read(query)).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: [expect.stringMatching(detail)] },
  });
});

test('the worker and readers may place changes at once', async () => {
  await writeOwn(30);
  const both = await Promise.all([assignFeedPositions(api.database), readAll(7), readAll(11), readAll(200)]);
  const [, ...readers] = both;
  for (const { events } of readers) expect(new Set(events.map(({ orderId }) => orderId)).size).toBe(30);
});
