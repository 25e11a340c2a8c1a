import { decideClosedSince } from '@vendor-server/domain/endpoints/hold.ts';
import { withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { reopenForResend } from '@vendor-server/platform/deliveries/reopen.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import {
  type EndpointFixture,
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { insertReplay, readReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createReplayRound } from '../replays/create-replay-round.ts';
import { createQueueDouble, type QueueDouble } from '../testing/queue-double.ts';
import { createHoldRound } from './create-hold-round.ts';
import { CLOSED_SINCE } from './hold-sql.ts';

const HOUR_MS = 3_600_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let round: () => Promise<boolean>;
let replayRound: () => Promise<number>;
let queue: QueueDouble;
/** How far the round's clock goes on at each look: it stands still unless a test turns it. */
let stepMs: number;
let logLines: Record<string, unknown>[];
let countFailed: () => Promise<number | null>;

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
  const registry = createMetricsRegistry();
  const metrics = createWorkerMetrics(registry);
  queue = createQueueDouble();
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: 5_000 });
  let clock = 0;
  stepMs = 0;
  const now = () => (clock += stepMs);
  round = createHoldRound({ database, dispatcher, metrics, logger, maxHoldMs: HOUR_MS, now });
  replayRound = createReplayRound({ database, dispatcher, logger });
  countFailed = async () =>
    parseExposition(await registry.metrics()).valueOf('vendor_server_deliveries_finished_total', {
      state: 'failed',
    });
});

const pool = () => subject.database.pool;

interface Closing {
  readonly state?: 'active' | 'paused' | 'disabled';
  /** How many minutes ago its state changed. */
  readonly changedAgo?: number;
  /** How many minutes ago its window was closed. */
  readonly brokenAgo?: number;
}

const minutesAgo = (minutes: string) =>
  `date_trunc('milliseconds', now()) - interval '1 minute' * ${minutes}`;

async function addEndpoint({ state = 'active', changedAgo = 0, brokenAgo }: Closing) {
  const endpoint = await insertEndpoint(pool(), { state, window: brokenAgo === undefined ? 16 : 0 });
  await pool().query(
    `update webhook_endpoints set state_changed_at = ${minutesAgo('$2')}, broken_since = ${minutesAgo('$3::float8')}
      where id = $1`,
    [endpoint.endpointId, changedAgo, brokenAgo ?? null],
  );
  return endpoint;
}

/** An order whose first open delivery has been due for so many minutes. */
async function addLane(
  endpoint: EndpointFixture,
  dueAgo: number,
  ...states: Parameters<typeof insertOrder>[2]
) {
  const { orderId } = await insertOrder(pool(), endpoint, states);
  await pool().query(
    `update deliveries set due_at = ${minutesAgo('$2')} where order_id = $1 and state in ('waiting', 'queued')`,
    [orderId, dueAgo],
  );
  return orderId;
}

const ERRORS = 'Customer webhook failed';
const givenUpLines = () => logLines.filter(({ msg }) => msg === ERRORS);

describe.each<[string, Closing]>([
  ['paused', { state: 'paused', changedAgo: 90 }],
  ['disabled', { state: 'disabled', changedAgo: 90 }],
  ['broken', { brokenAgo: 90 }],
  ['broken, and paused a while ago,', { state: 'paused', changedAgo: 10, brokenAgo: 90 }],
  ['paused, and broken by what was on its way,', { state: 'paused', changedAgo: 90, brokenAgo: 10 }],
])('an endpoint that is %s', (_, closing) => {
  test('has what it held too long given up; the next of the lane has its own time', async () => {
    const endpoint = await addEndpoint(closing);
    const orderId = await addLane(endpoint, 80, 'delivered', 'waiting', 'blocked', 'blocked');
    await pool().query(`update order_transitions set request_id = 'request-1' where order_id = $1`, [
      orderId,
    ]);
    expect(await round()).toBe(false);
    const [, givenUp, next] = await readDeliveries(pool(), orderId);
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'failed', 'waiting', 'blocked']);
    expect(givenUp?.lastError).toBe('held_too_long');
    expect(next?.dueInMs).toBeGreaterThan(-60_000);
    expect(givenUpLines()).toMatchObject([
      {
        level: 'error',
        orderId,
        deliveryId: givenUp?.id,
        ...endpoint,
        version: 2,
        status: 'assigned',
        previousStatus: 'pending',
        requestId: 'request-1',
        attempt: 0,
        durationMs: null,
        reason: null,
        responseStatus: null,
        endReason: 'held_too_long',
      },
    ]);
    expect(await countFailed()).toBe(1);
    await round();
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'failed', 'waiting', 'blocked']);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test('keeps what was due later, waits for a retry, is queued, or is behind such', async () => {
    const endpoint = await addEndpoint(closing);
    const orderIds = [
      await addLane(endpoint, 50, 'waiting', 'blocked'),
      await addLane(endpoint, -5, 'waiting'),
      await addLane(endpoint, 80, 'queued', 'blocked'),
    ];
    const read = () => Promise.all(orderIds.map((orderId) => readDeliveries(pool(), orderId)));
    const before = (await read()).map((lane) => lane.map(({ dueInMs: _dueInMs, ...rest }) => rest));
    expect(await round()).toBe(false);
    expect(await read()).toMatchObject(before);
    expect(givenUpLines()).toEqual([]);
  });
});

test.each<[string, Closing]>([
  ['open', { changedAgo: 90 }],
  ['paused a while ago', { state: 'paused', changedAgo: 50 }],
  ['broken a while ago', { changedAgo: 90, brokenAgo: 50 }],
])('an endpoint that is %s keeps what is due for longer', async (_, closing) => {
  const endpoint = await addEndpoint(closing);
  const orderId = await addLane(endpoint, 600, 'waiting');
  await round();
  expect(await readStates(pool(), orderId)).toEqual(['waiting']);
});

test('what a deleted endpoint leaves is cancelled, not failed', async () => {
  const endpoint = await addEndpoint({ state: 'paused', changedAgo: 90 });
  const orderId = await addLane(endpoint, 80, 'waiting');
  await pool().query('update webhook_endpoints set deleted_at = now() where id = $1', [endpoint.endpointId]);
  await round();
  expect(await readStates(pool(), orderId)).toEqual(['waiting']);
});

test.each([
  ['opened', `state = 'active'`],
  ['deleted', 'deleted_at = now()'],
])('nothing is given up of an endpoint that is %s after it was found', async (_, opening) => {
  const endpoint = await addEndpoint({ state: 'paused', changedAgo: 90 });
  const orderId = await addLane(endpoint, 80, 'waiting');
  const rounding = await withTransaction(pool(), async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `update webhook_endpoints set ${opening} where id = $1 returning pg_backend_pid() as pid`,
      [endpoint.endpointId],
    );
    const ended = { promise: round() };
    await expect
      .poll(
        () =>
          pool().query('select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))', [rows[0]?.pid]),
        { timeout: 15_000 },
      )
      .toMatchObject({ rowCount: 1 });
    return ended;
  });
  await rounding.promise;
  expect(await readStates(pool(), orderId)).toEqual(['waiting']);
});

test('the log says how the last attempt ended', async () => {
  const endpoint = await addEndpoint({ brokenAgo: 90 });
  const orderId = await addLane(endpoint, 80, 'waiting');
  await pool().query(
    `with attempt as (
       insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token, ended_at, duration_ms, outcome)
       select id, 2, 'probe', 'token', now(), 321, 'rejected' from deliveries where order_id = $1
     )
     update deliveries set attempt_count = 2, last_outcome = 'rejected', last_response_status = 503 where order_id = $1`,
    [orderId],
  );
  await round();
  expect(givenUpLines()).toMatchObject([
    { attempt: 2, durationMs: 321, outcome: 'rejected', responseStatus: 503 },
  ]);
});

test('a long backlog is given up in parts, and no other endpoint waits for it', async () => {
  const endpoint = await addEndpoint({ state: 'disabled', changedAgo: 90 });
  const orderIds = await Promise.all(Array.from({ length: 203 }, () => addLane(endpoint, 80, 'waiting')));
  const other = await addLane(await addEndpoint({ brokenAgo: 90 }), 80, 'waiting');
  expect(await round()).toBe(true);
  const count = async () =>
    (await Promise.all(orderIds.map((orderId) => readStates(pool(), orderId)))).filter(
      ([state]) => state === 'failed',
    ).length;
  expect(await count()).toBe(200);
  expect(await readStates(pool(), other)).toEqual(['failed']);
  expect(await round()).toBe(false);
  expect(await count()).toBe(203);
});

test('a round that takes long ends, and the next one goes on where it was', async () => {
  const add = async () => addLane(await addEndpoint({ brokenAgo: 90 }), 80, 'waiting');
  const orderIds = [await add(), await add()];
  const read = async () =>
    (await Promise.all(orderIds.map((orderId) => readStates(pool(), orderId)))).flat().toSorted();
  stepMs = 2_000;
  expect(await round()).toBe(true);
  expect(await read()).toEqual(['failed', 'waiting']);
  expect(await round()).toBe(false);
  expect(await read()).toEqual(['failed', 'failed']);
});

describe('what was given up', () => {
  test('can be sent again, and then has a time of its own', async () => {
    const endpoint = await addEndpoint({ state: 'paused', changedAgo: 90 });
    const orderId = await addLane(endpoint, 80, 'waiting');
    await round();
    const [{ id: deliveryId } = { id: '' }] = await readDeliveries(pool(), orderId);
    expect(await reopenForResend(subject.database, { deliveryId, orderId })).toMatchObject({
      state: 'waiting',
    });
    await round();
    expect(await readStates(pool(), orderId)).toEqual(['waiting']);
  });

  test('is counted by the replay that had opened it, and found by the next one', async () => {
    const endpoint = await addEndpoint({ state: 'paused', changedAgo: 90 });
    const { orderId } = await insertOrder(pool(), endpoint, ['failed']);
    const replay = { customerServerId: endpoint.customerServerId, endpointIds: [endpoint.endpointId] };
    const first = await insertReplay(pool(), replay);
    await replayRound();
    await pool().query(`update deliveries set due_at = ${minutesAgo('80')} where order_id = $1`, [orderId]);
    await round();
    await replayRound();
    expect(await readReplay(pool(), first)).toMatchObject({ state: 'completed', reopened: 1, failed: 1 });
    await insertReplay(pool(), replay);
    await replayRound();
    expect(await readStates(pool(), orderId)).toEqual(['waiting']);
  });
});

test('since when an endpoint is closed is said alike by the rule and by the statements', async () => {
  const states = ['active', 'paused', 'disabled'] as const;
  for (const state of states) {
    for (const brokenAgo of [undefined, 5, 15])
      await addEndpoint({ state, changedAgo: 10, ...(brokenAgo && { brokenAgo }) });
  }
  await pool().query(
    `update webhook_endpoints set broken_since = now() - interval '1 hour' where "window" > 0`,
  );
  await insertEndpoint(pool(), { window: 0 });
  const { rows } = await pool().query(
    `select state, state_changed_at as "stateChangedAt", "window", broken_since as "brokenSince",
            ${CLOSED_SINCE} as "closedSince" from webhook_endpoints e`,
  );
  expect(rows).toHaveLength(10);
  for (const row of rows) expect(decideClosedSince(row)).toEqual(row.closedSince);
});
