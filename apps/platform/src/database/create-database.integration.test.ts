import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createId } from '../ids/create-id.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { createDatabase } from './create-database.ts';
import { withClient } from './with-client.ts';

let testDatabase: TestDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  // A server with other defaults than ours must make no difference.
  await withClient(testDatabase.url, (client) =>
    client.query(
      `do $$ begin
         execute format('alter database %I set timezone = ''Asia/Kolkata''', current_database());
         execute format('alter database %I set default_transaction_isolation = ''serializable''', current_database());
       end $$`,
    ),
  );
});
afterAll(() => testDatabase.drop());

test('hand-written SQL gets int8 as numbers, numeric as strings and times as Dates', async () => {
  const { rows } = await testDatabase.database.pool.query(
    `select count(*) as count, 9007199254740991::int8 as largest, null::int8 as none, 12.50::numeric(12,2) as money,
            '2026-01-02 03:04:05.678+00'::timestamptz as at, '{"b":1,"a":2}'::json as json`,
  );
  expect(rows).toEqual([
    {
      count: 1,
      largest: Number.MAX_SAFE_INTEGER,
      none: null,
      money: '12.50',
      at: new Date('2026-01-02T03:04:05.678Z'),
      json: { b: 1, a: 2 },
    },
  ]);
});

test('an int8 that a number cannot hold is an error and not another number', async () => {
  await expect(testDatabase.database.pool.query('select 9007199254740993::int8')).rejects.toThrow(RangeError);
});

test('both ways to the database mean the same instant', async () => {
  const { database } = testDatabase;
  const onlineUntil = new Date('2026-07-01T12:34:56.789Z');
  const byPrisma = createId();
  await database.prisma.vendor.create({ data: { id: byPrisma, onlineUntil } });
  const bySql = createId();
  await database.pool.query('insert into vendors (id, online_until) values ($1, $2)', [bySql, onlineUntil]);

  const { rows } = await database.pool.query<{ id: string; at: Date }>(
    'select id, online_until as at from vendors where id = any ($1)',
    [[byPrisma, bySql]],
  );
  expect(rows.map(({ at }) => at)).toEqual([onlineUntil, onlineUntil]);
  const vendors = await database.prisma.vendor.findMany({ where: { id: { in: [byPrisma, bySql] } } });
  expect(vendors.map((vendor) => vendor.onlineUntil)).toEqual([onlineUntil, onlineUntil]);
});

test('every session is limited, read committed and named', async () => {
  const { rows } = await testDatabase.database.pool.query(
    `select current_setting('statement_timeout') as statement, current_setting('application_name') as name,
            current_setting('idle_in_transaction_session_timeout') as idle,
            current_setting('default_transaction_isolation') as isolation`,
  );
  expect(rows).toEqual([{ statement: '15s', name: 'test', idle: '10s', isolation: 'read committed' }]);
});

test("Prisma's statements are prepared once and reused, up to a number", async () => {
  const database = createDatabase({ url: testDatabase.url, applicationName: 'test', maxConnections: 1 });
  const countPrepared = async () => {
    const { rows } = await database.pool.query<{ count: number }>(
      "select count(*) from pg_prepared_statements where name like 'prisma_%'",
    );
    return rows[0]?.count;
  };
  await database.prisma.vendor.findUnique({ where: { id: createId() } });
  await database.prisma.vendor.findUnique({ where: { id: createId() } });
  expect(await countPrepared()).toBe(1);
  for (let length = 0; length < 600; length += 1) {
    await database.prisma.$queryRawUnsafe(`select ${length}, $1::int`, length);
  }
  expect(await countPrepared()).toBe(500);
  await database.close();
});

test('the loss of an idle connection is logged and the next query opens another', async () => {
  const logger = { warn: vi.fn() };
  const database = createDatabase({
    url: testDatabase.url,
    applicationName: 'idle',
    maxConnections: 1,
    logger,
  });
  await database.pool.query('select 1');
  await withClient(testDatabase.url, (client) =>
    client.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'idle'"),
  );
  await vi.waitFor(() => expect(logger.warn).toHaveBeenCalledOnce());
  expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await database.close();
});

test('a pool that plans once makes no plan for the values it sees', async () => {
  const planned = async (plansOnce: boolean) => {
    const database = createDatabase({
      url: testDatabase.url,
      applicationName: 'plans',
      maxConnections: 1,
      plansOnce,
    });
    for (const id of ['a', 'b']) {
      await database.pool.query({ name: 'find', text: 'select id from vendors where id = $1', values: [id] });
    }
    const { rows } = await database.pool.query(
      `select custom_plans::int as custom, generic_plans::int as generic from pg_prepared_statements where name = 'find'`,
    );
    await database.close();
    return rows;
  };
  expect(await planned(true)).toEqual([{ custom: 0, generic: 2 }]);
  expect(await planned(false)).toEqual([{ custom: 2, generic: 0 }]);
});

test('closing waits for what is under way, and may be repeated', async () => {
  const database = createDatabase({ url: testDatabase.url, applicationName: 'test', maxConnections: 2 });
  const client = await database.pool.connect();
  const closed = vi.fn();
  const closing = database.close().then(closed);
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect(closed).not.toHaveBeenCalled();
  client.release();
  await closing;
  await database.close();
});
