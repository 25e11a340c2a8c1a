import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { findPromotableEndpoints, findStandingLanes } from './relay-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createAttemptStage>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
});

const pool = () => subject.database.pool;

describe('a look that nobody took', () => {
  test('after a lane’s head ended is taken by the relay', async () => {
    const endpoint = await insertEndpoint(pool());
    const orders = [];
    for (let n = 0; n < 3; n += 1) {
      orders.push(await insertOrder(pool(), endpoint, ['delivered', 'blocked', 'blocked']));
    }
    expect(await findStrandedLanes(pool())).toHaveLength(3);
    expect(await stage.relayTick()).toMatchObject({ promoted: 3 });
    expect(await findStrandedLanes(pool())).toEqual([]);
    expect(stage.queue.ids()).toEqual(orders.map(({ deliveryIds }) => `${deliveryIds[1]}-1`));
  });

  test('after an endpoint got room, was resumed or deleted is taken by the relay', async () => {
    const active = await insertEndpoint(pool());
    const paused = await insertEndpoint(pool(), { state: 'paused' });
    const deleted = await insertEndpoint(pool(), { deleted: true });
    const [toActive, toPaused, toDeleted] = [
      await insertOrder(pool(), active, ['waiting']),
      await insertOrder(pool(), paused, ['waiting']),
      await insertOrder(pool(), deleted, ['waiting', 'blocked']),
    ];
    expect(await stage.relayTick()).toMatchObject({ promoted: 1 });
    expect(await readStates(pool(), toActive.orderId)).toEqual(['queued']);
    expect(await readStates(pool(), toPaused.orderId)).toEqual(['waiting']);
    expect(await readStates(pool(), toDeleted.orderId)).toEqual(['cancelled', 'cancelled']);
    await pool().query(`update webhook_endpoints set state = 'active' where id = $1`, [paused.endpointId]);
    expect(await stage.relayTick()).toMatchObject({ promoted: 1 });
    expect(await readStates(pool(), toPaused.orderId)).toEqual(['queued']);
  });

  test('is no reason to look again at once when its jobs cannot be added', async () => {
    const { orderId } = await insertOrder(pool(), await insertEndpoint(pool()), ['waiting']);
    stage.queue.isAway = true;
    expect(await stage.relayTick()).toMatchObject({ promoted: 0 });
    expect(await readStates(pool(), orderId)).toEqual(['queued']);
  });

  test('fails at one endpoint, and is taken at the others', async () => {
    const orders = [];
    for (let n = 0; n < 3; n += 1) {
      const endpoint = await insertEndpoint(pool());
      orders.push(await insertOrder(pool(), endpoint, ['waiting']));
      orders.push(await insertOrder(pool(), endpoint, ['delivered', 'blocked']));
    }
    // The place that comes first in every tick.
    const [refused] = orders[0]?.deliveryIds ?? [];
    await pool().query(
      `alter table deliveries add constraint refused check (id <> '${refused}' or state <> 'queued')`,
    );
    try {
      await stage.relayTick();
    } finally {
      await pool().query('alter table deliveries drop constraint refused');
    }
    const states = orders.map(async ({ orderId }) => (await readStates(pool(), orderId)).at(-1));
    expect(await Promise.all(states)).toEqual(['waiting', 'blocked', 'queued', 'queued', 'queued', 'queued']);
    expect(stage.logLines).toContainEqual(
      expect.objectContaining({ msg: 'Promotion failed: the relay will look again' }),
    );
    await stage.relayTick();
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test.each([
    ['an endpoint', `select pg_advisory_xact_lock(('x' || right($1, 15))::bit(60)::bigint)`],
    ['a delivery', 'select 1 from deliveries where endpoint_id = $1 for update'],
  ])('waits half a second for a lock on %s that somebody has forgotten', async (_what, lock) => {
    const endpoints = [
      await insertEndpoint(pool()),
      await insertEndpoint(pool()),
      await insertEndpoint(pool()),
    ];
    const orders = [];
    for (const endpoint of endpoints) orders.push(await insertOrder(pool(), endpoint, ['waiting']));
    const client = await pool().connect();
    try {
      await client.query('begin');
      await client.query(lock, [endpoints[1]?.endpointId]);
      // While it is held the tick comes to its end.
      expect(await stage.relayTick()).toMatchObject({ promoted: 2 });
    } finally {
      await client.query('rollback');
      client.release();
    }
    expect(stage.logLines).toMatchObject([
      { msg: 'Promotion failed: the relay will look again', endpointId: endpoints[1]?.endpointId },
    ]);
    expect(await stage.relayTick()).toMatchObject({ promoted: 1 });
    for (const { orderId } of orders) expect(await readStates(pool(), orderId)).toEqual(['queued']);
  });

  test('is taken for every lane and endpoint also while the queue is away', async () => {
    const orders = [];
    for (let n = 0; n < 3; n += 1) {
      const endpoint = await insertEndpoint(pool());
      orders.push(await insertOrder(pool(), endpoint, ['delivered', 'blocked']));
      orders.push(await insertOrder(pool(), endpoint, ['failed', 'waiting']));
    }
    stage.queue.isAway = true;
    await stage.relayTick();
    for (const { orderId } of orders) expect((await readStates(pool(), orderId))[1]).toBe('queued');
  });

  test('goes from lane to lane and from endpoint to endpoint, a bounded number at a time', async () => {
    const lanes = [];
    for (let n = 0; n < 2; n += 1) {
      const endpoint = await insertEndpoint(pool());
      await insertOrder(pool(), endpoint, ['waiting']);
      const { orderId } = await insertOrder(pool(), endpoint, ['delivered', 'blocked', 'blocked']);
      const busy = await insertOrder(pool(), endpoint, ['queued', 'blocked']);
      for (const id of [orderId, busy.orderId]) lanes.push({ endpointId: endpoint.endpointId, orderId: id });
    }
    const [first, second, third, fourth] = lanes;
    const before = { endpointId: '', orderId: '' };
    // What the limit cuts off of a lane needs no look of its own.
    expect(await findStandingLanes(pool(), before, 1)).toEqual({ standing: [first], last: first });
    expect(await findStandingLanes(pool(), first ?? before, 1)).toEqual({ standing: [], last: second });
    expect(await findStandingLanes(pool(), before, 4)).toEqual({ standing: [first, third], last: third });
    expect(await findStandingLanes(pool(), third ?? before, 1)).toEqual({ standing: [], last: fourth });
    expect(await findStandingLanes(pool(), third ?? before, 2)).toEqual({ standing: [], last: null });
    expect(await findStandingLanes(pool(), fourth ?? before, 2)).toEqual({ standing: [], last: null });

    const [one, other] = [first?.endpointId ?? '', third?.endpointId ?? ''];
    expect(await findPromotableEndpoints(pool(), '', 1)).toEqual({ seen: [one], promotable: [one] });
    expect(await findPromotableEndpoints(pool(), one, 5)).toEqual({ seen: [other], promotable: [other] });
    expect(await findPromotableEndpoints(pool(), other, 5)).toEqual({ seen: [], promotable: [] });
  });
});
