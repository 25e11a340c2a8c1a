/** What is asked for in one moment is written in one statement, and nobody pays for what is wrong with another. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import {
  type EndpointFixture,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decideCancellation } from '../testing/decide-cancellation.ts';
import type { OrderWrite } from './changes-together-sql.ts';
import { createOrderWrites } from './create-order-writes.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let endpoint: EndpointFixture;
let sent: string[];

beforeAll(async () => {
  subject = await createTestDatabase();
});
beforeEach(async () => {
  endpoint = await insertEndpoint(pool());
  sent = [];
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

/** Notes the statements by name. */
const noting = {
  query(statement: { readonly name: string }) {
    sent.push(statement.name);
    return pool().query(statement as never);
  },
} as unknown as SqlExecutor;
const create = (executor: SqlExecutor = noting) => createOrderWrites({ pool: executor, waiting: executor });

async function insertMany(count: number): Promise<OrderWrite[]> {
  const writes: OrderWrite[] = [];
  for (let n = 0; n < count; n += 1)
    writes.push(await decideCancellation(pool(), (await insertOrder(pool(), endpoint, [])).orderId));
  return writes;
}

async function holding<Result>(orderIds: readonly string[], run: () => Promise<Result>): Promise<Result> {
  const holder = await pool().connect();
  try {
    await holder.query('begin');
    await holder.query('select from orders where id = any ($1) for update', [orderIds]);
    return await run();
  } finally {
    await holder.query('rollback');
    holder.release();
  }
}

test('one goes alone, several of one moment together', async () => {
  const [only, ...others] = await insertMany(6);
  const writes = create();
  expect(await writes.writeChange(only!)).toMatchObject({ deliveries: [{ state: 'queued' }] });
  expect(sent).toEqual(['write-order-change']);
  const recorded = await Promise.all(others.map((each) => writes.writeChange(each)));
  expect(sent.slice(1)).toEqual(['write-order-changes']);
  expect(new Set(recorded.map((each) => each?.deliveries[0]?.deliveryId)).size).toBe(5);
});

test('one that cannot be written fails alone', async () => {
  const [bad, ...good] = await insertMany(4);
  const broken = { ...bad!, order: { ...bad!.order, fare: -1 } };
  const writes = create();
  const ends = await Promise.allSettled([broken, ...good].map((each) => writes.writeChange(each)));
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(sent.toSorted()).toEqual([...Array<string>(4).fill('write-order-change'), 'write-order-changes']);
});

test('one that lost its race is told so, and the others are written', async () => {
  const [lost, ...won] = await insertMany(3);
  await pool().query('update orders set version = version + 1 where id = $1', [lost!.order.orderId]);
  const writes = create();
  const recorded = await Promise.all([lost!, ...won].map((each) => writes.writeChange(each)));
  expect(recorded.map((each) => each === null)).toEqual([true, false, false]);
});

test('those whose orders somebody holds wait alone, however many they are', async () => {
  const [first, second, third, ...others] = await insertMany(9);
  const held = [first!, second!, third!];
  const writes = create();
  const waiting: Promise<unknown>[] = [];
  await holding(
    held.map(({ order }) => order.orderId),
    async () => {
      // One after the other, so that each is the only one of its moment.
      for (const each of held) {
        waiting.push(writes.writeChange(each));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const each of others) {
        expect(await writes.writeChange(each)).toMatchObject({ deliveries: [{}] });
      }
    },
  );
  expect(await Promise.all(waiting)).toMatchObject(held.map(() => ({ deliveries: [{}] })));
});

test('one whose body is long goes alone, and keeps nobody waiting', async () => {
  const [long, ...others] = await insertMany(3);
  const writes = create();
  const body = JSON.stringify({ text: '"'.repeat(10_000) });
  await Promise.all(
    [{ ...long!, record: { ...long!.record, body } }, ...others].map((each) => writes.writeChange(each)),
  );
  expect(sent.toSorted()).toEqual(['write-order-change', 'write-order-changes']);
});

test('when the database is away all fail, and nothing is tried again', async () => {
  const away: SqlExecutor = {
    query: async () => {
      sent.push('away');
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    },
  };
  const writes = create(away);
  const ends = await Promise.allSettled((await insertMany(3)).map((each) => writes.writeChange(each)));
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(sent).toEqual(['away']);
});

test('new orders are made together, too, and one that cannot be made fails alone', async () => {
  const made = (await insertMany(3)).map(({ order, record }): OrderWrite => {
    const orderId = createId();
    return {
      order: {
        ...order,
        orderId,
        version: 1,
        status: 'pending',
        cancelledAt: null,
        cancelledBy: null,
        cancellationReason: null,
      },
      record: { ...record, from: null, transitionId: createId() },
    };
  });
  const [bad, ...good] = made;
  const writes = create();
  const broken = { ...bad!, order: { ...bad!.order, customerServerId: createId() } };
  const ends = await Promise.allSettled([broken, ...good].map((each) => writes.writeNew(each)));
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(sent[0]).toBe('write-new-orders');
  for (const { order } of good) expect(await readStates(pool(), order.orderId)).toEqual(['queued']);
});
