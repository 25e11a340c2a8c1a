import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { createChangePoll } from './create-change-poll.ts';
import { createOfferEvents, type OfferChange } from './offer-events.ts';

let api: TestApi;
let orderId: string;
let version = 1;

beforeAll(async () => {
  api = await createTestApi();
  const { headers } = await api.addCustomerServer();
  const response = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers,
    payload: buildServiceOrder(),
  });
  orderId = response.json().data.orderId;
});
afterAll(() => api.close());

function createPoll(lateCommitMs?: number) {
  const clock = { ms: 0, isAwake: true };
  const events = createOfferEvents();
  const seen: OfferChange[] = [];
  events.subscribe(
    (change) => void seen.push(change),
    () => clock.isAwake,
  );
  const looks = vi.fn<() => void>();
  const executor = {
    query: async (config: { text: string }) => {
      const result = await api.database.pool.query(config);
      looks();
      return result;
    },
  };
  const poll = createChangePoll({
    executor: executor as unknown as SqlExecutor,
    events,
    intervalMs: 600_000,
    logger: { warn: vi.fn<() => void>() },
    ...(lateCommitMs !== undefined && { lateCommitMs }),
    now: () => clock.ms,
  });
  onTestFinished(() => poll.close());
  /** Gives the versions it found. */
  async function look(): Promise<number[]> {
    const before = looks.mock.calls.length;
    seen.length = 0;
    poll.lookNow();
    await vi.waitFor(() => expect(looks.mock.calls.length).toBeGreaterThan(before));
    await poll.idle();
    return seen.map((change) => (change.kind === 'order' ? change.version : -1));
  }
  return { clock, events, look, seen };
}

/** One more change of the order, as its statement would record it. Gives its version. */
async function addTransition(client: SqlExecutor, from: string, to: string): Promise<number> {
  version += 1;
  await client.query(
    `insert into order_transitions
       (id, order_id, customer_server_id, version, from_status, to_status, actor_type, changed_at, body)
     select $2, order_id, customer_server_id, $3, $4, $5, actor_type, changed_at, body
       from order_transitions where order_id = $1 and version = 1`,
    [orderId, createId(), version, from, to],
  );
  return version;
}

test('finds once what it has not heard of, and nothing that is no business of offers', async () => {
  const { events, look } = createPoll();
  await look();
  const { pool } = api.database;
  const heard = await addTransition(pool, 'pending', 'accepted');
  events.publish({ kind: 'order', orderId, version: heard });
  await addTransition(pool, 'accepted', 'in_progress');
  const missed = await addTransition(pool, 'assigned', 'pending');
  expect(await look()).toEqual([missed]);
  expect(await look()).toEqual([]);
});

test('reads nothing while nobody listens, and then what came in the last half minute, too', async () => {
  const { clock, look } = createPoll();
  await look();
  clock.isAwake = false;
  await addTransition(api.database.pool, 'pending', 'accepted');
  expect(await look()).toEqual([]);
  clock.ms += 40_000;
  await look();
  const missed = await addTransition(api.database.pool, 'assigned', 'pending');
  expect(await look()).toEqual([]);
  clock.ms += 20_000;
  clock.isAwake = true;
  expect(await look()).toEqual([missed]);
});

test('finds a change that commits after a later one was seen', async () => {
  const { clock, look } = createPoll();
  await look();
  const late = await api.database.pool.connect();
  try {
    await late.query('begin');
    const lateVersion = await addTransition(late, 'assigned', 'pending');
    const early = await addTransition(api.database.pool, 'pending', 'assigned');
    expect(await look()).toEqual([early]);
    clock.ms += 20_000;
    expect(await look()).toEqual([]);
    await late.query('commit');
    expect(await look()).toEqual([lateVersion]);
    // Long after, a look begins above both.
    for (let looks = 0; looks < 10; looks += 1) {
      clock.ms += 3_600_000;
      expect(await look()).toEqual([]);
    }
  } finally {
    late.release();
  }
});

test('finds once a decline that it has not heard of', async () => {
  const { events, look, seen } = createPoll();
  await look();
  const [heard, missed] = [await api.addVendor(), await api.addVendor()];
  for (const { id } of [heard, missed]) {
    await api.database.pool.query('insert into offer_declines (order_id, vendor_id) values ($1, $2)', [
      orderId,
      id,
    ]);
  }
  events.publish({ kind: 'decline', orderId, vendorId: heard.id });
  await look();
  expect(seen).toEqual([{ kind: 'decline', orderId, vendorId: missed.id }]);
  await look();
  expect(seen).toEqual([]);
});

test('reads none of the declines of a time in which nobody listened', async () => {
  const { clock, look, seen } = createPoll();
  await look();
  clock.isAwake = false;
  clock.ms += 3_600_000;
  await look();
  const { id } = await api.addVendor();
  await api.database.pool.query(
    `insert into offer_declines (order_id, vendor_id, declined_at) values ($1, $2, now() - interval '10 minutes')`,
    [orderId, id],
  );
  clock.ms += 10_000;
  clock.isAwake = true;
  await look();
  expect(seen.filter((change) => change.kind === 'decline' && change.vendorId === id)).toEqual([]);
});
