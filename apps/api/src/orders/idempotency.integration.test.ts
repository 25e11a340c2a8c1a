import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { takeIdempotencyKey } from './idempotency-keys-sql.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer();
});

const PAYLOAD = JSON.stringify(buildServiceOrder());

async function create(key: string, payload = PAYLOAD, headers = server.headers) {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': key },
    payload,
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: answer.json() };
}

const countOrders = (customerServerId = server.id) =>
  api.database.prisma.order.count({ where: { customerServerId } });

/** What another request with the key was answered; not what this one would be. */
const KEPT_ANSWER = JSON.stringify({
  ok: true,
  message: 'Order created successfully',
  data: {
    orderId: '0190aaaaaaaabbbbbbbbcccc',
    status: 'pending',
    broadcast: { success: true, notifiedVendors: 7, failedNotifications: 0 },
  },
});

test('the same request gets the first answer again, byte by byte', async () => {
  const first = await create('key-1');
  expect(first.status).toBe(201);
  expect(first.headers).not.toHaveProperty('idempotency-replayed');
  const second = await create('key-1');
  expect(second).toMatchObject({ status: 201, text: first.text });
  expect(second.headers['idempotency-replayed']).toBe('true');
  expect(second.headers['content-type']).toBe(first.headers['content-type']);
  expect(await countOrders()).toBe(1);
});

test('another body is refused, also when it means the same', async () => {
  await create('key-1');
  for (const payload of [` ${PAYLOAD}`, JSON.stringify(buildServiceOrder({ estimatedPrice: 1 }))]) {
    const answer = await create('key-1', payload);
    expect(answer).toMatchObject({ status: 409, body: { ok: false, code: 'idempotency_key_reused' } });
  }
  expect(await countOrders()).toBe(1);
});

test('another key makes another order, and so does the same key of another customer server', async () => {
  const other = await api.addCustomerServer();
  const answers = [
    await create('key-1'),
    await create('key-2'),
    await create('key-1', PAYLOAD, other.headers),
  ];
  expect(new Set(answers.map((answer) => answer.body.data.orderId)).size).toBe(3);
  expect(await countOrders(other.id)).toBe(1);
});

test('keys of 255 characters and with odd ones are keys', async () => {
  for (const key of ['x'.repeat(255), 'a, b', '"quoted"', 'é']) {
    const first = await create(key);
    expect((await create(key)).text).toBe(first.text);
  }
});

test('a refused request frees its key', async () => {
  expect((await create('key-1', '{}')).status).toBe(400);
  expect((await create('key-1')).status).toBe(201);
});

test('a failed request frees its key', async () => {
  const failing = vi.spyOn(api.deps.dispatcher, 'dispatch').mockRejectedValue(new Error('no'));
  await api.database.pool.query('alter table orders add constraint test_no_order check (false) not valid');
  try {
    const failed = await create('key-1');
    expect(failed).toMatchObject({ status: 500, body: { code: 'internal_error' } });
    expect(failed.text).not.toContain('test_no_order');
  } finally {
    await api.database.pool.query('alter table orders drop constraint test_no_order');
    failing.mockRestore();
  }
  const answer = await create('key-1');
  expect(answer.status).toBe(201);
  expect(answer.headers).not.toHaveProperty('idempotency-replayed');
});

test('of many at once one makes the order and the others get its answer', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => create('key-1')));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(9);
  expect(await countOrders()).toBe(1);
});

describe('while another request holds the key', () => {
  const bodyHash = createHash('sha256').update(PAYLOAD).digest('hex');

  /** Takes the key on a connection of its own and runs `during` while a request for it waits. */
  async function withHeldKey(
    during: (finish: (end: 'commit' | 'rollback') => Promise<unknown>) => Promise<void>,
  ) {
    const client = await api.database.pool.connect();
    const key = { customerServerId: server.id, key: 'key-1', bodyHash };
    try {
      await client.query('begin');
      expect(await takeIdempotencyKey(client, key, KEPT_ANSWER)).toBe(true);
      await during(async (end) => {
        await expect.poll(countWaiting).toBe(1);
        await client.query(end);
      });
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  async function countWaiting(): Promise<number> {
    const { rows } = await api.database.pool.query<{ count: number }>(
      `select count(*) as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]?.count ?? 0;
  }

  test('the second waits and gets the answer of the first', async () => {
    await withHeldKey(async (finish) => {
      const second = create('key-1');
      await finish('commit');
      expect(await second).toMatchObject({ status: 201, text: KEPT_ANSWER });
    });
    expect(await countOrders()).toBe(0);
  });

  test('the second waits and takes over when the first fails', async () => {
    await withHeldKey(async (finish) => {
      const second = create('key-1');
      await finish('rollback');
      const answer = await second;
      expect(answer.status).toBe(201);
      expect(answer.headers).not.toHaveProperty('idempotency-replayed');
    });
    expect(await countOrders()).toBe(1);
  });

  test('the second gives up after five seconds', { timeout: 15_000 }, async () => {
    await withHeldKey(async () => {
      const startedAt = performance.now();
      const answer = await create('key-1');
      expect(answer).toMatchObject({ status: 409, body: { code: 'idempotency_in_progress' } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(performance.now() - startedAt).toBeGreaterThan(4_900);
      expect(performance.now() - startedAt).toBeLessThan(7_000);
    });
    expect(await countOrders()).toBe(0);
  });
});
