import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createDeliveryMetrics } from '@vendor-server/platform/metrics/delivery-metrics.ts';
import {
  emptyDatabase,
  insertCustomerServer,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { insertReplay, readReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createQueueDouble } from '../testing/queue-double.ts';
import { createReplayStage } from '../testing/replay-stage.ts';
import { createReplayRound } from './create-replay-round.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createReplayStage>;
let round: () => Promise<number>;
let logLines: Record<string, unknown>[];

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createReplayStage(subject.database.pool);
});
afterAll(() => subject.drop());
beforeEach(async () => {
  const { database } = subject;
  await emptyDatabase(database.pool);
  logLines = [];
  const write = (line: string) => void logLines.push(JSON.parse(line));
  const logger = createLoggerTo({ write }, { name: 'test', level: 'info' });
  const metrics = createDeliveryMetrics(createMetricsRegistry());
  const queue = createQueueDouble();
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: 5_000 });
  round = createReplayRound({ database, dispatcher, logger });
});

const pool = () => subject.database.pool;

/** Rounds until nothing moves any more. */
async function runUntilStill(): Promise<void> {
  for (let still = 0; still < 2; ) still = (await round()) > 50 ? still + 1 : 0;
}

test('opens the oldest first, half a window at a time, and ends when they have', async () => {
  const { endpoint, orderIds } = await stage.setUp(20);
  const replayId = await stage.replayOf(endpoint);
  await round();
  expect(await stage.readOpen()).toEqual(orderIds.slice(0, 8));
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'running', matched: 8, reopened: 8 });
  await runUntilStill();
  expect(await stage.readOpen()).toEqual(orderIds.slice(0, 8));

  await stage.end(orderIds.slice(0, 3), 'delivered');
  await runUntilStill();
  expect(await stage.readOpen()).toEqual(orderIds.slice(3, 11));
  await stage.end(orderIds.slice(3, 11), 'failed');
  await runUntilStill();
  await stage.end(orderIds.slice(11, 19), 'delivered');
  await runUntilStill();
  expect(await readReplay(pool(), replayId)).toEqual({
    state: 'reopened',
    matched: 20,
    reopened: 20,
    delivered: 11,
    failed: 8,
  });
  expect(await stage.readOpen()).toEqual(orderIds.slice(19));
  await stage.end(orderIds, 'delivered');
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
  const { endpoint, orderIds } = await stage.setUp(5);
  const { rows } = await pool().query<{ changedAt: Date }>(
    'select changed_at as "changedAt" from deliveries order by changed_at',
  );
  const [, since, , , until] = rows.map(({ changedAt }) => changedAt);
  await pool().query(`update deliveries set state = 'delivered' where order_id = $1`, [orderIds[2]]);
  const onlyFailed = await stage.replayOf(endpoint, { since: since!, until: until! });
  await runUntilStill();
  expect(await stage.readOpen()).toEqual([orderIds[1], orderIds[3]]);
  const delivered = await stage.replayOf(endpoint, {
    since: since!,
    until: until!,
    states: ['delivered', 'superseded'],
  });
  await runUntilStill();
  expect(await stage.readOpen()).toEqual(orderIds.slice(1, 4));
  expect(await readReplay(pool(), onlyFailed)).toMatchObject({ state: 'reopened', matched: 2 });
  expect(await readReplay(pool(), delivered)).toMatchObject({ state: 'reopened', matched: 1 });
});

test('opens a lane in the order of its versions', async () => {
  const endpoint = await insertEndpoint(pool());
  const { orderId } = await insertOrder(pool(), endpoint, ['failed', 'delivered', 'failed', 'failed']);
  const replayId = await stage.replayOf(endpoint);
  await runUntilStill();
  expect(await readStates(pool(), orderId)).toEqual(['queued', 'delivered', 'blocked', 'blocked']);
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'reopened', reopened: 3 });
  expect(await findStrandedLanes(pool())).toEqual([]);
});

test('is completed also when a newer change replaces what it opened', async () => {
  const { endpoint, orderIds } = await stage.setUp(3);
  const replayId = await stage.replayOf(endpoint);
  await runUntilStill();
  await stage.end(orderIds.slice(0, 1), 'delivered');
  await stage.end(orderIds.slice(1, 2), 'failed');
  await pool().query(
    `update deliveries set state = 'superseded', finished_at = now(), job_due_at = null where order_id = $1`,
    [orderIds[2]],
  );
  await runUntilStill();
  expect(await readReplay(pool(), replayId)).toMatchObject({
    state: 'completed',
    matched: 3,
    reopened: 3,
    delivered: 1,
    failed: 1,
  });
});

test('leaves out what cannot be opened again', async () => {
  const { endpoint, orderIds } = await stage.setUp(4);
  await pool().query('update orders set personal_data_erased_at = now() where id = $1', [orderIds[0]]);
  await pool().query(`update deliveries set state = 'waiting', finished_at = null where order_id = $1`, [
    orderIds[1],
  ]);
  const replayId = await stage.replayOf(endpoint, { states: ['failed', 'delivered', 'superseded'] });
  await runUntilStill();
  expect(await stage.readOpen()).toEqual(orderIds.slice(2));
  expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'reopened', matched: 3, reopened: 2 });
});

test('ends at an endpoint that is deleted meanwhile', async () => {
  const { endpoint, orderIds } = await stage.setUp(20);
  const replayId = await stage.replayOf(endpoint);
  await round();
  await pool().query('update webhook_endpoints set deleted_at = now() where id = $1', [endpoint.endpointId]);
  await stage.end(orderIds.slice(0, 8), 'failed');
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
    const paused = await stage.setUp(12, { state: 'paused' });
    const active = await insertEndpoint(pool(), { customerServerId: paused.endpoint.customerServerId });
    const orderIds = await stage.insertFailed(active, 12);
    await stage.replayOf(active, { endpointIds: [paused.endpoint.endpointId, active.endpointId] });
    await runUntilStill();
    await stage.end(orderIds, 'delivered');
    await runUntilStill();
    expect((await stage.readOpen()).toSorted()).toEqual(
      [...paused.orderIds.slice(0, 8), ...orderIds.slice(8)].toSorted(),
    );
  });

  test('all replays of an endpoint share half of its window', async () => {
    const { endpoint } = await stage.setUp(12, { window: 4 });
    for (let n = 0; n < 3; n += 1) await stage.replayOf(endpoint);
    await runUntilStill();
    expect(await stage.readOpen()).toHaveLength(2);
  });

  test('a broken endpoint has one wait for its first room', async () => {
    const { endpoint } = await stage.setUp(12, { window: 0 });
    await stage.replayOf(endpoint);
    await runUntilStill();
    expect(await stage.readOpen()).toHaveLength(1);
  });

  test('what waits for a later retry takes no room, up to a number', async () => {
    const endpoint = await insertEndpoint(pool());
    await stage.insertMany(endpoint, 700, 'failed');
    const replayId = await stage.replayOf(endpoint);
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
    const { endpoint, orderIds } = await stage.setUp(6);
    const other = await insertEndpoint(pool(), { customerServerId: endpoint.customerServerId });
    const others = await stage.insertFailed(other, 2);
    await stage.replayOf(endpoint, { endpointIds: [endpoint.endpointId, other.endpointId] });
    const holder = await pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select 1 from orders where id = $1 for update', [orderIds[2]]);
      await runUntilStill();
      expect((await stage.readOpen()).toSorted()).toEqual([...orderIds.slice(0, 2), ...others].toSorted());
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    await runUntilStill();
    expect(await stage.readOpen()).toHaveLength(8);
  });

  test('a long history between two that match is looked at in parts', async () => {
    const endpoint = await insertEndpoint(pool());
    const orderId = await stage.insertMany(endpoint, 4_500, 'delivered');
    await pool().query(
      `update deliveries set state = 'failed' where order_id = $1 and order_version in (1, 4500)`,
      [orderId],
    );
    const replayId = await stage.replayOf(endpoint);
    await round();
    expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'running', matched: 1 });
    await round();
    await round();
    expect(await readReplay(pool(), replayId)).toMatchObject({ state: 'reopened', matched: 2 });
  });
});
