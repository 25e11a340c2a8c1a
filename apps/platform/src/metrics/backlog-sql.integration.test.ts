import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTransaction } from '../database/sql-executor.ts';
import { emptyDatabase, insertEndpoint, insertOrder } from '../testing/delivery-fixtures.ts';
import { explain } from '../testing/explain.ts';
import { insertBacklog } from '../testing/insert-backlog.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { keepToIndexOrder, MAX_COUNTED, readBacklog, selectBacklog } from './backlog-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

const NOTHING = {
  blocked: 0,
  waiting: 0,
  queued: 0,
  oldestOpenSeconds: 0,
  oldestHeldSeconds: 0,
  oldestDueSeconds: 0,
};

test('nothing to deliver is no backlog', async () => {
  expect(await readBacklog(pool())).toEqual(NOTHING);
});

describe('the ages', () => {
  async function insert(
    endpointOptions: Parameters<typeof insertEndpoint>[1],
    states: Parameters<typeof insertOrder>[2],
    openedAgo: string,
    dueAgo: string,
  ) {
    const { orderId } = await insertOrder(pool(), await insertEndpoint(pool(), endpointOptions), states);
    await pool().query(
      `update deliveries set opened_at = now() - $2::interval, due_at = now() - $3::interval where order_id = $1`,
      [orderId, openedAgo, dueAgo],
    );
    return orderId;
  }

  test('are those of what is open, held, and due', async () => {
    await emptyDatabase(pool());
    await insert({}, ['delivered'], '9 hours', '9 hours');
    await insert({}, ['waiting'], '100 s', '-5 min');
    await insert({}, ['queued'], '50 s', '20 s');
    await insert({ window: 0 }, ['waiting'], '300 s', '300 s');
    await insert({ state: 'disabled' }, ['waiting', 'blocked'], '200 s', '200 s');
    const { oldestOpenSeconds, oldestHeldSeconds, oldestDueSeconds } = await readBacklog(pool());
    expect(Math.floor(oldestOpenSeconds / 10)).toBe(10);
    expect(Math.floor(oldestHeldSeconds / 10)).toBe(30);
    expect(Math.floor(oldestDueSeconds / 10)).toBe(2);
  });

  test('are not of what is being attempted, as far as it was due', async () => {
    await emptyDatabase(pool());
    const orderId = await insert({}, ['queued'], '50 s', '20 s');
    await pool().query(
      `update deliveries set claim_token = 'x', claimed_until = now() + interval '10 s' where order_id = $1`,
      [orderId],
    );
    const { queued, oldestOpenSeconds, oldestDueSeconds } = await readBacklog(pool());
    expect({ queued, oldestDueSeconds }).toEqual({ queued: 1, oldestDueSeconds: 0 });
    expect(oldestOpenSeconds).toBeGreaterThanOrEqual(50);
  });
});

describe('a backlog of 100 000 among 200 000 deliveries', () => {
  beforeAll(async () => {
    await emptyDatabase(pool());
    const counts = { delivered: 100_000, waiting: 60_000, blocked: 40_000, queued: 320 };
    await insertBacklog(pool(), { endpoints: 20, ...counts });
  }, 60_000);

  test('is counted up to the limit', async () => {
    const { blocked, waiting, queued } = await readBacklog(pool());
    expect({ blocked, waiting, queued }).toEqual({ blocked: MAX_COUNTED, waiting: MAX_COUNTED, queued: 320 });
  });

  test.each([
    ['before the planner knows of it', ''],
    ['when the planner knows of it', 'analyze deliveries'],
  ])('costs no walk through it, %s', async (_title, prepare) => {
    if (prepare !== '') await pool().query(prepare);
    const { nodes } = await withTransaction(pool(), async (client) => {
      await keepToIndexOrder(client);
      return explain(client, selectBacklog);
    });
    const reads = nodes.filter(({ table }) => table === 'deliveries');
    expect(reads.length).toBeGreaterThan(5);
    expect(reads.filter(({ index }) => index === null)).toEqual([]);
    expect(nodes.filter(({ type }) => type === 'Sort' || type === 'Incremental Sort')).toEqual([]);
    for (const { rows } of reads) expect(rows).toBeLessThanOrEqual(MAX_COUNTED);
  });
});
