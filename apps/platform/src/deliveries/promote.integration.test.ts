import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readDeliveries,
  readStates,
} from '../testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '../testing/interleave.ts';
import {
  findLanesWithTwoHeads,
  findOverfilledEndpoints,
  findOvertakenLanes,
  findStrandedLanes,
} from '../testing/lane-checks.ts';
import { createStage } from '../testing/party.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { promote } from './promote.ts';
import { findMovable, lockEndpoint, type Movable, moveDueHeads, moveLanesNext } from './promote-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const NOTHING = { jobs: [], cancelled: 0, superseded: 0 };
const pool = () => subject.database.pool;

/** Heads that became due one after the other, oldest first. */
async function insertWaitingOrders(endpoint: Awaited<ReturnType<typeof insertEndpoint>>, count: number) {
  const orders = [];
  for (let n = 0; n < count; n += 1) orders.push(await insertOrder(pool(), endpoint, ['waiting']));
  return orders;
}

async function countQueued(endpointId: string): Promise<number> {
  const { rows } = await pool().query<{ count: number }>(
    `select count(*) as count from deliveries where endpoint_id = $1 and state = 'queued'`,
    [endpointId],
  );
  return rows[0]?.count ?? 0;
}

describe('a lane', () => {
  test('goes on with the lowest version when its head has ended', async () => {
    const endpoint = await insertEndpoint(pool());
    const order = await insertOrder(pool(), endpoint, ['delivered', 'blocked', 'blocked']);
    const { jobs } = await promote(subject.database, endpoint.endpointId, [order.orderId]);
    expect(await readStates(pool(), order.orderId)).toEqual(['delivered', 'queued', 'blocked']);
    expect(jobs).toEqual([
      {
        deliveryId: order.deliveryIds[1],
        generation: 1,
        orderId: order.orderId,
        version: 2,
        status: 'assigned',
        endpointHost: '127.0.0.1:9',
      },
    ]);
  });

  test.each(['waiting', 'queued'] as const)('stays behind a head that is %s', async (head) => {
    const endpoint = await insertEndpoint(pool(), { window: head === 'waiting' ? 0 : 16 });
    const order = await insertOrder(pool(), endpoint, [head, 'blocked']);
    expect(await promote(subject.database, endpoint.endpointId, [order.orderId])).toEqual(NOTHING);
    expect(await readStates(pool(), order.orderId)).toEqual([head, 'blocked']);
  });

  test('is left alone by a look at its endpoint only', async () => {
    const endpoint = await insertEndpoint(pool());
    const order = await insertOrder(pool(), endpoint, ['delivered', 'blocked']);
    expect(await promote(subject.database, endpoint.endpointId, [])).toEqual(NOTHING);
    expect(await readStates(pool(), order.orderId)).toEqual(['delivered', 'blocked']);
    expect(await findStrandedLanes(pool())).toEqual([{ orderId: order.orderId, versions: [2] }]);
  });
});

test('the next of several lanes move at once, each by itself, and no other lane', async () => {
  const endpoint = await insertEndpoint(pool(), { window: 2 });
  const free = await insertOrder(pool(), endpoint, ['delivered', 'blocked', 'blocked']);
  const held = await insertOrder(pool(), endpoint, ['queued', 'blocked']);
  const ended = await insertOrder(pool(), endpoint, ['delivered']);
  const other = await insertOrder(pool(), endpoint, ['failed', 'blocked']);
  const full = await insertOrder(pool(), endpoint, ['delivered', 'blocked']);
  const looked = [free, held, ended, full, free].map(({ orderId }) => orderId);
  const { jobs } = await promote(subject.database, endpoint.endpointId, looked);
  expect(jobs).toHaveLength(1);
  expect(await readStates(pool(), held.orderId)).toEqual(['queued', 'blocked']);
  expect(await readStates(pool(), other.orderId)).toEqual(['failed', 'blocked']);
  const moved = await Promise.all([free, full].map(({ orderId }) => readStates(pool(), orderId)));
  expect(new Set(moved.map((states) => states[1]))).toEqual(new Set(['queued', 'waiting']));
  expect(moved[0]?.[2]).toBe('blocked');
});

describe('a window', () => {
  test('takes the oldest due heads, and as many as it has room for', async () => {
    const endpoint = await insertEndpoint(pool());
    const orders = await insertWaitingOrders(endpoint, 20);
    const { jobs } = await promote(subject.database, endpoint.endpointId, []);
    expect(jobs.map(({ orderId }) => orderId)).toEqual(orders.slice(0, 16).map(({ orderId }) => orderId));
    expect(await promote(subject.database, endpoint.endpointId, [])).toEqual(NOTHING);
    expect(await countQueued(endpoint.endpointId)).toBe(16);
  });

  test('gives the room that a finished delivery leaves to the next', async () => {
    const endpoint = await insertEndpoint(pool(), { window: 1 });
    const [first, second] = await insertWaitingOrders(endpoint, 3);
    await promote(subject.database, endpoint.endpointId, []);
    await pool().query(
      `update deliveries set state = 'delivered', job_due_at = null, finished_at = now() where order_id = $1`,
      [first?.orderId],
    );
    const { jobs } = await promote(subject.database, endpoint.endpointId, [first?.orderId ?? '']);
    expect(jobs.map(({ orderId }) => orderId)).toEqual([second?.orderId]);
  });

  test('that is overfull takes nothing, and what is due later has to wait', async () => {
    const endpoint = await insertEndpoint(pool(), { window: 1 });
    await insertOrder(pool(), endpoint, ['queued']);
    await insertOrder(pool(), endpoint, ['queued']);
    await insertWaitingOrders(endpoint, 1);
    expect(await promote(subject.database, endpoint.endpointId, [])).toEqual(NOTHING);

    const other = await insertEndpoint(pool());
    const [late, due] = await insertWaitingOrders(other, 2);
    await pool().query(
      `update deliveries set due_at = clock_timestamp() + interval '1 minute' where order_id = $1`,
      [late?.orderId],
    );
    const { jobs } = await promote(subject.database, other.endpointId, []);
    expect(jobs.map(({ orderId }) => orderId)).toEqual([due?.orderId]);
  });
});

describe('an endpoint that takes nothing', () => {
  test.each([{ state: 'paused' }, { state: 'disabled' }, { window: 0 }] as const)(
    'keeps all: %j',
    async (how) => {
      const endpoint = await insertEndpoint(pool(), how);
      const lane = await insertOrder(pool(), endpoint, ['delivered', 'blocked']);
      await insertWaitingOrders(endpoint, 2);
      // The lane's next becomes its head, so the move is made; nothing may slip into the queue with it, although
      // the room of an endpoint that is not active is no row at all and `limit null` would be no limit.
      expect(await promote(subject.database, endpoint.endpointId, [lane.orderId])).toEqual(NOTHING);
      expect(await readStates(pool(), lane.orderId)).toEqual(['delivered', 'waiting']);
      expect(await countQueued(endpoint.endpointId)).toBe(0);
      expect(await moveDueHeads(pool(), [endpoint.endpointId])).toEqual([]);
    },
  );

  test('gives all up once it is deleted, and nothing that has ended or is on its way', async () => {
    const endpoint = await insertEndpoint(pool(), { deleted: true });
    const open = await insertOrder(pool(), endpoint, ['delivered', 'waiting', 'blocked']);
    const sending = await insertOrder(pool(), endpoint, ['failed', 'queued', 'blocked']);
    expect(await promote(subject.database, endpoint.endpointId, [])).toEqual({ ...NOTHING, cancelled: 3 });
    expect(await readStates(pool(), open.orderId)).toEqual(['delivered', 'cancelled', 'cancelled']);
    expect(await readStates(pool(), sending.orderId)).toEqual(['failed', 'queued', 'cancelled']);
    const [, cancelled] = await readDeliveries(pool(), open.orderId);
    expect(cancelled?.lastError).toBe('endpoint_deleted');
  });
});

/** `promote` as its statements, so that somebody can come between them. */
function buildPromoteScript(party: Script['party'], lane: { endpointId: string; orderId: string }): Script {
  let found: readonly Movable[] = [];
  const ifFound = (run: () => Promise<unknown>) => async () => {
    if (found.length > 0) await run();
  };
  return {
    party,
    steps: [
      async () => {
        found = await findMovable(party.client, [{ endpointId: lane.endpointId, orderIds: [lane.orderId] }]);
      },
      ifFound(async () => {
        await party.begin();
        await lockEndpoint(party.client, lane.endpointId);
      }),
      ifFound(async () => {
        await moveLanesNext(party.client, found);
        await moveDueHeads(party.client, [lane.endpointId]);
      }),
      ifFound(() => party.commit()),
    ],
  };
}

describe('two promotes at once, in every order of their statements', { timeout: 60_000 }, () => {
  test('never move a head twice and never overfill the window', async () => {
    const createParty = await createStage(subject.url);
    const [one, other] = [await createParty('one'), await createParty('other')];
    let runs = 0;
    for (const turns of interleavings([4, 4])) {
      const endpoint = await insertEndpoint(pool(), { window: 2 });
      const lane = await insertOrder(pool(), endpoint, ['delivered', 'blocked', 'blocked']);
      const otherLane = await insertOrder(pool(), endpoint, ['failed', 'blocked']);
      const [waiting] = await insertWaitingOrders(endpoint, 1);

      await runInterleaved(
        [
          buildPromoteScript(one, { ...endpoint, orderId: lane.orderId }),
          buildPromoteScript(other, { ...endpoint, orderId: otherLane.orderId }),
        ],
        turns,
      );
      const message = `turns ${turns.join('')}`;
      expect(await findStrandedLanes(pool()), message).toEqual([]);
      expect(await findLanesWithTwoHeads(pool()), message).toEqual([]);
      expect(await findOvertakenLanes(pool()), message).toEqual([]);
      expect(await findOverfilledEndpoints(pool()), message).toEqual([]);
      expect(await countQueued(endpoint.endpointId), message).toBe(2);
      // The oldest due head is among them, and each of the two was moved once.
      const [oldest] = await readDeliveries(pool(), waiting?.orderId ?? '');
      expect(oldest, message).toMatchObject({ state: 'queued', generation: 1 });
      runs += 1;
    }
    expect(runs).toBe(70);
  });

  test('of the same lane move its next once', async () => {
    const createParty = await createStage(subject.url);
    const [one, other] = [await createParty('one'), await createParty('other')];
    for (const turns of interleavings([4, 4])) {
      const endpoint = await insertEndpoint(pool());
      const lane = await insertOrder(pool(), endpoint, ['delivered', 'blocked', 'blocked']);
      const target = { endpointId: endpoint.endpointId, orderId: lane.orderId };
      await runInterleaved([buildPromoteScript(one, target), buildPromoteScript(other, target)], turns);
      const rows = await readDeliveries(pool(), lane.orderId);
      expect(
        rows.map(({ state, generation }) => `${state} ${generation}`),
        `turns ${turns.join('')}`,
      ).toEqual(['delivered 0', 'queued 1', 'blocked 0']);
    }
  });
});

describe('without the lock', () => {
  test('two moves at once would overfill the window, and the check says so', async () => {
    const createParty = await createStage(subject.url);
    const [one, other] = [await createParty('one'), await createParty('other')];
    const endpoint = await insertEndpoint(pool(), { window: 1 });
    const [first, second] = await insertWaitingOrders(endpoint, 2);
    await one.begin();
    await moveDueHeads(one.client, [endpoint.endpointId]);
    // A head that is older than the one just taken makes the second pick another row.
    await pool().query(`update deliveries set due_at = due_at - interval '1 hour' where order_id = $1`, [
      second?.orderId,
    ]);
    await moveDueHeads(other.client, [endpoint.endpointId]);
    await one.commit();
    expect(await findOverfilledEndpoints(pool())).toEqual([{ endpointId: endpoint.endpointId, queued: 2 }]);
    expect(await readStates(pool(), first?.orderId ?? '')).toEqual(['queued']);
  });
});
