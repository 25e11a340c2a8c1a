import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createReadiness } from './create-readiness.ts';
import { startHealthServer } from './start-health-server.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  await subject.database.pool.query('delete from delivery_progress');
});

const pool = () => subject.database.pool;
const readNote = async () => (await pool().query('select * from delivery_progress')).rows[0];

/** A health server whose clock and queue are in the test's hands. */
async function start() {
  let now = 0;
  let ping: () => Promise<void> = async () => undefined;
  const readiness = createReadiness({ executor: pool(), queue: { ping: () => ping() }, now: () => now });
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    readiness,
    metricsPage: { contentType: 'text/plain', read: async () => 'none' },
    metricsGate: () => null,
  });
  onTestFinished(() => server.close());
  return {
    port: server.port,
    readiness,
    advance: (ms: number) => {
      now += ms;
    },
    breakQueue: () => {
      ping = () => Promise.reject(new Error('away'));
    },
    async get(path: string, method = 'GET') {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
      return { status: answer.status, body: await answer.json() };
    },
  };
}

async function insertDue(
  state: 'queued' | 'waiting',
  ageSeconds: number,
  endpointState: 'active' | 'paused' = 'active',
) {
  await insertOrder(pool(), await insertEndpoint(pool(), { state: endpointState }), [state]);
  await pool().query(`update deliveries set due_at = clock_timestamp() - make_interval(secs => $1)`, [
    ageSeconds,
  ]);
}

const allUp = { database: 'up', queue: 'up', progress: 'up' };

test('says that it lives and that it is ready', async () => {
  const { get } = await start();
  expect(await get('/livez')).toEqual({ status: 200, body: { status: 'up' } });
  expect(await get('/readyz?x=1')).toEqual({ status: 200, body: { status: 'up', checks: allUp } });
});

test('answers anything else in the shape of a failure', async () => {
  const { get } = await start();
  const failure = { ok: false, error: expect.any(String), requestId: expect.any(String) };
  expect(await get('/other')).toEqual({ status: 404, body: { ...failure, code: 'not_found' } });
  expect(await get('/readyz', 'POST')).toEqual({
    status: 405,
    body: { ...failure, code: 'method_not_allowed' },
  });
});

test('is not ready without its queue', async () => {
  const { get, breakQueue } = await start();
  breakQueue();
  expect(await get('/readyz')).toEqual({
    status: 503,
    body: { status: 'down', checks: { ...allUp, queue: 'down' } },
  });
});

describe('a standstill', () => {
  test.each(['queued', 'waiting'] as const)(
    'of what is %s for over a minute is no readiness',
    async (state) => {
      const { get, advance, readiness } = await start();
      await insertDue(state, 61);
      expect(await get('/readyz')).toMatchObject({ status: 200 });
      advance(60_000);
      expect(await get('/readyz')).toMatchObject({ status: 503, body: { checks: { progress: 'down' } } });
      readiness.noteProgress();
      expect(await get('/readyz')).toMatchObject({ status: 200 });
      // Nobody waits for the note but the next test, which would find it.
      await vi.waitFor(async () => expect(await readNote()).toBeDefined());
    },
  );

  test('is told also while the relay renews the job', async () => {
    const { get, advance } = await start();
    await insertDue('queued', 61);
    await pool().query(`update deliveries set job_due_at = clock_timestamp(), generation = generation + 1`);
    advance(60_000);
    expect(await get('/readyz')).toMatchObject({ status: 503 });
  });

  test('is none while another worker moves, and is one when that stops too', async () => {
    const idle = await start();
    const busy = await start();
    await insertDue('waiting', 61);
    idle.advance(60_000);
    busy.readiness.noteProgress();
    await vi.waitFor(async () => expect(await idle.get('/readyz')).toMatchObject({ status: 200 }));
    await pool().query(`update delivery_progress set attempt_ended_at = attempt_ended_at - interval '61 s'`);
    expect(await idle.get('/readyz')).toMatchObject({ status: 503, body: { checks: { progress: 'down' } } });
  });

  test('is told to the others every few seconds only', async () => {
    const { readiness, advance } = await start();
    readiness.noteProgress();
    await vi.waitFor(async () => expect(await readNote()).toBeDefined());
    // Both could be of the same millisecond.
    await pool().query(`update delivery_progress set attempt_ended_at = attempt_ended_at - interval '1 s'`);
    const first = await readNote();
    advance(4_999);
    readiness.noteProgress();
    // Nothing tells that something was not written: it is given far longer than it would take.
    await pool().query('select pg_sleep(0.1)');
    expect(await readNote()).toEqual(first);
    advance(1);
    readiness.noteProgress();
    await vi.waitFor(async () => expect(await readNote()).not.toEqual(first));
  });

  test('of a claim that nobody ended is no readiness', async () => {
    const { get, advance } = await start();
    await insertDue('queued', 61);
    await pool().query(
      `update deliveries set claim_token = 'x', claimed_until = clock_timestamp() + interval '10 s'`,
    );
    advance(60_000);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    await pool().query(`update deliveries set claimed_until = clock_timestamp() - interval '61 s'`);
    expect(await get('/readyz')).toMatchObject({ status: 503 });
  });

  test('is none at an endpoint that was resumed a moment ago', async () => {
    const { get, advance } = await start();
    await insertDue('waiting', 3_600);
    await pool().query(
      `update webhook_endpoints set created_at = now() - interval '1 day', state_changed_at = now()`,
    );
    advance(60_000);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    await pool().query(`update webhook_endpoints set state_changed_at = now() - interval '61 s'`);
    expect(await get('/readyz')).toMatchObject({ status: 503 });
  });

  test.each([
    ['paused', `state = 'paused'`],
    ['disabled', `state = 'disabled'`],
    ['broken', `"window" = 0, next_probe_at = now()`],
    ['deleted', `deleted_at = now()`],
  ])('is none at an endpoint that is %s', async (_title, change) => {
    const { get, advance } = await start();
    await insertDue('waiting', 3_600);
    await pool().query(`update webhook_endpoints set ${change}`);
    advance(60_000);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
  });

  test('is none of what is blocked behind a head that is due later', async () => {
    const { get, advance } = await start();
    await insertOrder(pool(), await insertEndpoint(pool()), ['waiting', 'blocked']);
    await pool().query(
      `update deliveries set due_at = clock_timestamp()
         + case state when 'waiting' then interval '1 hour' else interval '-1 hour' end`,
    );
    advance(60_000);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
  });

  test.each([
    ['is due for less than a minute', 'queued', 50, 'active'],
    ['waits for a paused endpoint', 'waiting', 3_600, 'paused'],
  ] as const)('is none when all there is %s', async (_title, state, ageSeconds, endpointState) => {
    const { get, advance } = await start();
    await insertDue(state, ageSeconds, endpointState);
    advance(60_000);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
  });
});

test('connections beyond a hundred are not taken: webhooks need the file descriptors', async () => {
  const { port } = await start();
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let opened = 0; opened < 100; opened += 1) {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
  }
  const surplus = connect(port, '127.0.0.1');
  sockets.push(surplus);
  const told: Buffer[] = [];
  surplus.on('data', (chunk: Buffer) => told.push(chunk));
  await once(surplus, 'close');
  // Not for its slowness, which would be answered.
  expect(Buffer.concat(told).toString()).toBe('');
  expect(sockets[99]?.readyState).toBe('open');
});
