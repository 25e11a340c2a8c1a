/** Looks at many endpoints at once: what they move, what they cost, and who is held up by whom. */
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeliveryJobRequest } from '../queue/delivery-job.ts';
import {
  type EndpointOptions,
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readStates,
} from '../testing/delivery-fixtures.ts';
import { findOverfilledEndpoints, findStrandedLanes } from '../testing/lane-checks.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { createDispatcher } from './create-dispatcher.ts';
import { promoteGroup } from './promote-group.ts';
import { findMovable, type Lane, lockEndpoint } from './promote-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

/** So many endpoints, each with a lane in these states. */
async function insertLanes(
  count: number,
  states: Parameters<typeof insertOrder>[2],
  options: EndpointOptions = {},
) {
  const lanes: (Lane & { deliveryIds: readonly string[] })[] = [];
  for (let n = 0; n < count; n += 1) {
    const endpoint = await insertEndpoint(pool(), options);
    lanes.push({ endpointId: endpoint.endpointId, ...(await insertOrder(pool(), endpoint, states)) });
  }
  return lanes;
}

const find = (lanes: readonly Lane[]) =>
  findMovable(
    pool(),
    lanes.map(({ endpointId, orderId }) => ({ endpointId, orderIds: [orderId] })),
  );
const readAll = (lanes: readonly Lane[]) =>
  Promise.all(lanes.map(async ({ orderId }) => (await readStates(pool(), orderId)).join(' ')));

/** A connection in whose transaction `statement` was run; `end` gives it back. */
async function hold(run: (client: pg.PoolClient) => Promise<unknown>) {
  const client = await pool().connect();
  await client.query('begin');
  await run(client);
  return {
    client,
    async end() {
      await client.query('commit');
      client.release();
    },
  };
}

const lockDelivery = (id: string | undefined) => (client: pg.PoolClient) =>
  client.query('select 1 from deliveries where id = $1 for update', [id]);

/** A dispatcher whose statements are written down. */
function createSubject() {
  const statements: string[] = [];
  const note = (statement: string | pg.QueryConfig) =>
    statements.push(typeof statement === 'string' ? statement : (statement.name ?? statement.text));
  const watched = {
    query(statement: pg.QueryConfig) {
      note(statement);
      return pool().query(statement);
    },
    async connect() {
      const client = await pool().connect();
      return {
        query(statement: string | pg.QueryConfig) {
          note(statement);
          return client.query(statement as pg.QueryConfig);
        },
        release: (broken?: boolean) => client.release(broken),
      };
    },
  } as unknown as pg.Pool;
  const added: (readonly DeliveryJobRequest[])[] = [];
  const dispatcher = createDispatcher({
    database: { pool: watched },
    queue: { add: async (jobs) => void added.push(jobs) },
    logger: pino({ level: 'silent' }),
    metrics: { countFinished: () => undefined },
    waitMs: 10_000,
  });
  const lookAtEach = (lanes: readonly Lane[]) =>
    lanes.map((lane) => dispatcher.dispatch({ jobs: [], lanes: [lane] }));
  return { statements, added, lookAtEach };
}

describe('what fifty deliveries of fifty endpoints that end together cost', () => {
  test('is one statement when nothing can move', async () => {
    const lanes = await insertLanes(50, ['delivered', 'queued', 'blocked']);
    const { statements, added, lookAtEach } = createSubject();
    await Promise.all(lookAtEach(lanes));
    expect(statements).toEqual(['find-movable']);
    expect(added).toEqual([]);
  });

  test('is six when something can at each, and the jobs are added together', async () => {
    const lanes = await insertLanes(50, ['delivered', 'blocked']);
    const { statements, added, lookAtEach } = createSubject();
    await Promise.all(lookAtEach(lanes));
    expect(statements).toEqual([
      'find-movable',
      'begin; set local lock_timeout = 500',
      'lock-free-endpoints',
      'move-lanes-next',
      'move-due-heads',
      'commit',
    ]);
    expect(new Set(await readAll(lanes))).toEqual(new Set(['delivered queued']));
    expect(added.map((jobs) => jobs.length)).toEqual([50]);
  });
});

test('each endpoint gets what its window has room for, its oldest first, and a closed one nothing', async () => {
  const options: EndpointOptions[] = [{ window: 2 }, { window: 3 }, { state: 'paused' }, { window: 0 }];
  const lanes: Lane[] = [];
  const expected: string[] = [];
  for (const each of options) {
    const endpoint = await insertEndpoint(pool(), each);
    await insertOrder(pool(), endpoint, ['queued']);
    const { orderId } = await insertOrder(pool(), endpoint, ['delivered', 'blocked']);
    lanes.push({ endpointId: endpoint.endpointId, orderId });
    for (let n = 0; n < 4; n += 1) {
      const { deliveryIds } = await insertOrder(pool(), endpoint, ['waiting']);
      if (each.state === undefined && n + 1 < (each.window ?? 0)) expected.push(...deliveryIds);
    }
  }
  const { promoted, left } = await promoteGroup(subject.database, await find(lanes));
  expect(left).toEqual([]);
  expect(promoted.jobs.map(({ deliveryId }) => deliveryId)).toEqual(expected);
  expect(await readAll(lanes)).toEqual(Array(4).fill('delivered waiting'));
  const { rows } = await pool().query(
    `select count(*)::int as queued from deliveries where state = 'queued' group by endpoint_id order by 1`,
  );
  expect(rows).toEqual([1, 1, 2, 3].map((queued) => ({ queued })));
});

describe('who goes alone', () => {
  test('an endpoint whose lock is held, and a deleted one; the others do not wait', async () => {
    const lanes = await insertLanes(3, ['delivered', 'blocked']);
    const [deleted] = await insertLanes(1, ['delivered', 'blocked'], { deleted: true });
    const held = await hold((client) => lockEndpoint(client, lanes[1]?.endpointId ?? ''));
    try {
      const all = await find([...lanes, ...(deleted === undefined ? [] : [deleted])]);
      const { promoted, left } = await promoteGroup(subject.database, all);
      expect(promoted.jobs).toHaveLength(2);
      const alone = new Set([lanes[1]?.endpointId, deleted?.endpointId]);
      expect(new Set(left.map(({ endpointId }) => endpointId))).toEqual(alone);
    } finally {
      await held.end();
    }
    expect(await readAll(lanes)).toEqual(['delivered queued', 'delivered blocked', 'delivered queued']);
  });

  test('every one, when somebody has forgotten a lock: only the one that it is about waits on', async () => {
    const lanes = await insertLanes(4, ['delivered', 'blocked']);
    const { lookAtEach } = createSubject();
    const held = await hold(lockDelivery(lanes[2]?.deliveryIds[1]));
    const looks = lookAtEach(lanes);
    await Promise.all(looks.filter((_look, index) => index !== 2));
    expect(await readAll(lanes)).toEqual([
      'delivered queued',
      'delivered queued',
      'delivered blocked',
      'delivered queued',
    ]);
    await held.end();
    await Promise.all(looks);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test('every one, when one is refused; the others go', async () => {
    const lanes = await insertLanes(4, ['delivered', 'blocked']);
    const refused = lanes[0]?.deliveryIds[1];
    await pool().query(
      `alter table deliveries add constraint refused check (id <> '${refused}' or state <> 'queued')`,
    );
    try {
      await Promise.all(createSubject().lookAtEach(lanes));
    } finally {
      await pool().query('alter table deliveries drop constraint refused');
    }
    const queued = Array(3).fill('delivered queued');
    expect(await readAll(lanes)).toEqual(['delivered blocked', ...queued]);
  });
});

test('a change that holds what a group waits for, and waits for what the group holds, is not the victim', async () => {
  const [lane] = await insertLanes(1, ['delivered', 'blocked']);
  const [head] = await insertLanes(1, ['waiting']);
  const change = await hold(lockDelivery(head?.deliveryIds[0]));
  let isOver = false;
  const group = promoteGroup(
    subject.database,
    await find([lane, head].flatMap((each) => each ?? [])),
  ).finally(() => {
    isOver = true;
  });
  // The group has moved the lane and waits for the head; on a machine that is too slow to be seen so, it did.
  await expect
    .poll(async () => {
      const { rowCount } = await pool().query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%room.free%'
            and datname = current_database()`,
      );
      return isOver || rowCount === 1;
    })
    .toBe(true);
  await lockDelivery(lane?.deliveryIds[1])(change.client);
  expect(await group).toMatchObject({ promoted: { jobs: [] }, left: [{}, {}] });
  await change.end();
  expect(await findOverfilledEndpoints(pool())).toEqual([]);
});
