import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  emptyDatabase,
  insertCustomerServer,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved } from '@vendor-server/platform/testing/interleave.ts';
import { findLanesWithTwoHeads, findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import {
  insertReplay,
  type ReplayOptions,
  readReplay,
} from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createQueueDouble } from '../testing/queue-double.ts';
import { createReplayRound } from './create-replay-round.ts';
import { reopenBatch } from './reopen-batch.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let round: () => Promise<number>;
let logLines: Record<string, unknown>[];

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  const { database } = subject;
  await emptyDatabase(database.pool);
  logLines = [];
  const write = (line: string) => void logLines.push(JSON.parse(line));
  const logger = createLoggerTo({ write }, { name: 'test', level: 'info' });
  const dispatcher = createDispatcher({ database, queue: createQueueDouble(), logger, waitMs: 5_000 });
  round = createReplayRound({ database, dispatcher, logger });
});

const pool = () => subject.database.pool;

/** Orders with one failed delivery each, a second apart, oldest first. */
async function insertFailed(endpoint: EndpointFixture, count: number): Promise<string[]> {
  const orderIds: string[] = [];
  for (let n = 0; n < count; n += 1) orderIds.push((await insertOrder(pool(), endpoint, ['failed'])).orderId);
  await pool().query(
    `update deliveries d set changed_at = now() - interval '10 minutes' + o.n * interval '1 second'
       from unnest($1::char(24)[]) with ordinality o(id, n) where d.order_id = o.id`,
    [orderIds],
  );
  return orderIds;
}

function replayOf(endpoint: EndpointFixture, options: Partial<ReplayOptions> = {}): Promise<string> {
  const { customerServerId, endpointId } = endpoint;
  return insertReplay(pool(), { customerServerId, endpointIds: [endpointId], ...options });
}

/** The ids of the orders whose delivery is open again, in the order in which they were opened. */
async function readOpen(): Promise<string[]> {
  const { rows } = await pool().query<{ orderId: string }>(
    `select order_id as "orderId" from deliveries
      where opened_by = 'replay' and finished_at is null order by changed_at`,
  );
  return rows.map(({ orderId }) => orderId);
}

async function end(orderIds: readonly string[], state: 'delivered' | 'failed'): Promise<void> {
  await pool().query(
    `update deliveries set state = $2, finished_at = now(), job_due_at = null
      where order_id = any ($1) and finished_at is null`,
    [orderIds, state],
  );
}

/** Rounds until nothing moves any more. */
async function runUntilStill(): Promise<void> {
  for (let still = 0; still < 2; ) still = (await round()) > 50 ? still + 1 : 0;
}

async function setUp(failed: number, options: EndpointOptions = {}) {
  const endpoint = await insertEndpoint(pool(), options);
  return { endpoint, orderIds: await insertFailed(endpoint, failed) };
}

test('opens the oldest first, half a window at a time, and ends when they have', async () => {
  const { endpoint, orderIds } = await setUp(20);
  const replayId = await replayOf(endpoint);
  await round();
  expect(await readOpen()).toEqual(orderIds.slice(0, 8));
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'running', matched: 8, reopened: 8 });
  await runUntilStill();
  expect(await readOpen()).toEqual(orderIds.slice(0, 8));

  await end(orderIds.slice(0, 3), 'delivered');
  await runUntilStill();
  expect(await readOpen()).toEqual(orderIds.slice(3, 11));
  await end(orderIds.slice(3, 11), 'failed');
  await runUntilStill();
  await end(orderIds.slice(11, 19), 'delivered');
  await runUntilStill();
  expect(await readReplay(pool(), replayId)).toEqual({
    state: 'reopened',
    matched: 20,
    reopened: 20,
    delivered: 11,
    failed: 8,
  });
  expect(await readOpen()).toEqual(orderIds.slice(19));
  await end(orderIds, 'delivered');
  await runUntilStill();
  expect(await readReplay(pool(), replayId)).toEqual({
    state: 'completed',
    matched: 20,
    reopened: 20,
    delivered: 12,
    failed: 8,
  });
  expect(logLines.map(({ msg }) => msg)).toEqual([
    'Replay taken up',
    'Replay opened all its deliveries again',
    'Replay completed',
  ]);
  expect(logLines.at(-1)).toMatchObject({
    replayId,
    customerServerId: endpoint.customerServerId,
    matched: 20,
    reopened: 20,
    delivered: 12,
    failed: 8,
    durationMs: expect.any(Number),
  });
});

test('takes what lies in the span, its start included and its end not, and is in one of the states', async () => {
  const { endpoint, orderIds } = await setUp(5);
  const { rows } = await pool().query<{ changedAt: Date }>(
    'select changed_at as "changedAt" from deliveries order by changed_at',
  );
  const [, since, , , until] = rows.map(({ changedAt }) => changedAt);
  await pool().query(`update deliveries set state = 'delivered' where order_id = $1`, [orderIds[2]]);
  const onlyFailed = await replayOf(endpoint, { since: since!, until: until! });
  await runUntilStill();
  expect(await readOpen()).toEqual([orderIds[1], orderIds[3]]);
  const delivered = await replayOf(endpoint, {
    since: since!,
    until: until!,
    states: ['delivered', 'superseded'],
  });
  await runUntilStill();
  expect(await readOpen()).toEqual(orderIds.slice(1, 4));
  expect(await readReplay(pool(), onlyFailed)).toMatchObject({ state: 'reopened', matched: 2 });
  expect(await readReplay(pool(), delivered)).toMatchObject({ state: 'reopened', matched: 1 });
});

test('opens a lane in the order of its versions', async () => {
  const endpoint = await insertEndpoint(pool());
  const { orderId } = await insertOrder(pool(), endpoint, ['failed', 'delivered', 'failed', 'failed']);
  const replayId = await replayOf(endpoint);
  await runUntilStill();
  expect(await readStates(pool(), orderId)).toEqual(['queued', 'delivered', 'blocked', 'blocked']);
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'reopened', reopened: 3 });
  expect(await findStrandedLanes(pool())).toEqual([]);
});

test('leaves out what cannot be opened again', async () => {
  const { endpoint, orderIds } = await setUp(4);
  await pool().query('update orders set personal_data_erased_at = now() where id = $1', [orderIds[0]]);
  await pool().query(`update deliveries set state = 'waiting', finished_at = null where order_id = $1`, [
    orderIds[1],
  ]);
  const replayId = await replayOf(endpoint, { states: ['failed', 'delivered', 'superseded'] });
  await runUntilStill();
  expect(await readOpen()).toEqual(orderIds.slice(2));
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'reopened', matched: 3, reopened: 2 });
});

test('ends at an endpoint that is deleted meanwhile', async () => {
  const { endpoint, orderIds } = await setUp(20);
  const replayId = await replayOf(endpoint);
  await round();
  await pool().query('update webhook_endpoints set deleted_at = now() where id = $1', [endpoint.endpointId]);
  await end(orderIds.slice(0, 8), 'failed');
  await runUntilStill();
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'completed', matched: 8, failed: 8 });
});

test('without an endpoint is completed at once', async () => {
  const customerServerId = await insertCustomerServer(pool());
  const replayId = await insertReplay(pool(), { customerServerId, endpointIds: [] });
  await round();
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'completed', matched: 0 });
});

describe('what keeps others from waiting', () => {
  test('a paused endpoint has a few wait, and another one’s go on', async () => {
    const paused = await setUp(12, { state: 'paused' });
    const active = await insertEndpoint(pool(), { customerServerId: paused.endpoint.customerServerId });
    const orderIds = await insertFailed(active, 12);
    await replayOf(active, { endpointIds: [paused.endpoint.endpointId, active.endpointId] });
    await runUntilStill();
    await end(orderIds, 'delivered');
    await runUntilStill();
    expect((await readOpen()).toSorted()).toEqual(
      [...paused.orderIds.slice(0, 8), ...orderIds.slice(8)].toSorted(),
    );
  });

  test('all replays of an endpoint share half of its window', async () => {
    const { endpoint } = await setUp(12, { window: 4 });
    for (let n = 0; n < 3; n += 1) await replayOf(endpoint);
    await runUntilStill();
    expect(await readOpen()).toHaveLength(2);
  });

  test('a broken endpoint has one wait for its first room', async () => {
    const { endpoint } = await setUp(12, { window: 0 });
    await replayOf(endpoint);
    await runUntilStill();
    expect(await readOpen()).toHaveLength(1);
  });

  test('what waits for a later retry takes no room, up to a number', async () => {
    const endpoint = await insertEndpoint(pool());
    await insertMany(endpoint, 700, 'failed');
    const replayId = await replayOf(endpoint);
    for (let n = 0; n < 100; n += 1) {
      await round();
      await pool().query(
        `update deliveries set state = 'waiting', job_due_at = null, due_at = now() + interval '1 hour'
          where state = 'queued'`,
      );
    }
    expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'running', reopened: 500 });
  });

  test('a busy order ends the batch before it, and holds up nobody else', async () => {
    const { endpoint, orderIds } = await setUp(6);
    const other = await insertEndpoint(pool(), { customerServerId: endpoint.customerServerId });
    const others = await insertFailed(other, 2);
    await replayOf(endpoint, { endpointIds: [endpoint.endpointId, other.endpointId] });
    const holder = await pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select 1 from orders where id = $1 for update', [orderIds[2]]);
      await runUntilStill();
      expect((await readOpen()).toSorted()).toEqual([...orderIds.slice(0, 2), ...others].toSorted());
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    await runUntilStill();
    expect(await readOpen()).toHaveLength(8);
  });

  test('a long history between two that match is looked at in parts', async () => {
    const endpoint = await insertEndpoint(pool());
    const orderId = await insertMany(endpoint, 4_500, 'delivered');
    await pool().query(
      `update deliveries set state = 'failed' where order_id = $1 and order_version in (1, 4500)`,
      [orderId],
    );
    const replayId = await replayOf(endpoint);
    await round();
    expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'running', matched: 1 });
    await round();
    await round();
    expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'reopened', matched: 2 });
  });

  /** So many deliveries, each of an order of its own unless they have ended well. */
  async function insertMany(endpoint: EndpointFixture, count: number, state: 'failed' | 'delivered') {
    const { orderId } = await insertOrder(pool(), endpoint, []);
    await pool().query(
      `with copied as (
         insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', lpad(to_hex(n), 24, '0')))).*
           from orders o, generate_series(1, case when $4 = 'failed' then $3::int else 0 end) n where o.id = $1
         returning id
       ), changed as (
         insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                        actor_type, changed_at, body)
         select 'f' || lpad(to_hex(n), 23, '0'), case when $4 = 'failed' then lpad(to_hex(n), 24, '0') else $1 end,
                $5, n + 1, 'pending', 'assigned', 'customer_server', now() - interval '10 minutes', '{}'
           from generate_series(1, $3::int) n
         returning id, order_id, version, changed_at
       )
       insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state, finished_at)
       select 'e' || lpad(to_hex(version), 23, '0'), $5, id, order_id, version - 1, $2, changed_at, $4, now()
         from changed`,
      [orderId, endpoint.endpointId, count, state, endpoint.customerServerId],
    );
    return orderId;
  }
});

describe('a batch', () => {
  test('that is rolled back is made again, and opens each once', async () => {
    const { endpoint, orderIds } = await setUp(10);
    const replayId = await replayOf(endpoint);
    const client = await pool().connect();
    await client.query('begin');
    expect((await reopenBatch(client, replayId, endpoint.endpointId)).opened).toHaveLength(8);
    await client.query('rollback');
    client.release();
    expect(await readReplay(pool(), replayId)).toMatchObject({ matched: 0, reopened: 0 });
    await round();
    expect(await readOpen()).toEqual(orderIds.slice(0, 8));
    expect(await readReplay(pool(), replayId)).toMatchObject({ matched: 8, reopened: 8 });
  });

  test('made by two processes at once, in every order of their statements, opens each once', async () => {
    const createParty = await createStage(subject.url);
    const parties = [await createParty('one'), await createParty('other')];
    for (const turns of interleavings([3, 3])) {
      await emptyDatabase(pool());
      const { endpoint, orderIds } = await setUp(4, { window: 4 });
      const replayId = await replayOf(endpoint);
      let opened = 0;
      const scripts = parties.map((party) => ({
        party,
        steps: [
          () => party.begin(),
          async () => {
            opened += (await reopenBatch(party.client, replayId, endpoint.endpointId)).opened.length;
          },
          () => party.commit(),
        ],
      }));
      await runInterleaved(scripts, turns);
      const message = `turns ${turns.join('')}`;
      expect(opened, message).toBe(2);
      expect(await readOpen(), message).toEqual(orderIds.slice(0, 2));
      expect(await readReplay(pool(), replayId), message).toMatchObject({ matched: 2, reopened: 2 });
      expect(await findLanesWithTwoHeads(pool())).toEqual([]);
    }
  });
});
