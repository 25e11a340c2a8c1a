import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../network/find-free-ports.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { createDatabase, type Database } from './create-database.ts';
import {
  isDatabaseUnavailable,
  isLockTimeout,
  isStatementCancelled,
  isTransientConflict,
  isUniqueViolation,
  sqlStateOf,
} from './database-errors.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  ({ database } = testDatabase);
});
afterAll(() => testDatabase.drop());

async function errorOf(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('It was expected to fail.');
}

function classify(error: unknown) {
  return {
    unique: isUniqueViolation(error),
    lockTimeout: isLockTimeout(error),
    cancelled: isStatementCancelled(error),
    transient: isTransientConflict(error),
    unavailable: isDatabaseUnavailable(error),
  };
}

/** A server that ends every connection at once; returns its port. */
async function startHangingUp(): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  const port = await findFreePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return port;
}

const NOTHING = { unique: false, lockTimeout: false, cancelled: false, transient: false, unavailable: false };

/** Makes the server answer with that SQLSTATE. */
const raise = (sqlState: string) => `do $$ begin raise sqlstate '${sqlState}'; end $$`;

/** Every predicate has to see through both ways to the database. */
const WAYS: [name: string, run: (database: Database, sql: string) => Promise<unknown>][] = [
  ['pg', ({ pool }, sql) => pool.query(sql)],
  ['Prisma', ({ prisma }, sql) => prisma.$executeRawUnsafe(sql)],
  ["Prisma's transaction", ({ prisma }, sql) => prisma.$transaction((tx) => tx.$executeRawUnsafe(sql))],
];

describe.each(WAYS)('errors by way of %s', (_name, run) => {
  test.each([
    ['23505', { unique: true }],
    ['55P03', { lockTimeout: true }],
    ['40P01', { transient: true }],
    ['40001', { transient: true }],
    ['57P01', { unavailable: true }],
    ['57P02', { unavailable: true }],
    ['57P03', { unavailable: true }],
    ['53300', { unavailable: true }],
    ['25006', { unavailable: true }],
    ['08006', { unavailable: true }],
    ['23514', {}],
    ['57014', { cancelled: true }],
    ['42P01', {}],
    ['P0001', {}],
  ])('%s', async (sqlState, expected) => {
    const error = await errorOf(() => run(database, raise(sqlState)));
    expect(sqlStateOf(error)).toBe(sqlState);
    expect(classify(error)).toEqual({ ...NOTHING, ...expected });
  });

  test('a connection that the server ends', async () => {
    const error = await errorOf(() => run(database, 'select pg_terminate_backend(pg_backend_pid())'));
    expect(classify(error)).toEqual({ ...NOTHING, unavailable: true });
  });

  test.each([
    ['a server that is not there', async () => `postgresql://test@127.0.0.1:${await findFreePort()}/test`],
    ['a name that leads nowhere', async () => 'postgresql://test@database.invalid:5432/test'],
    ['a unix socket without a server', async () => 'postgresql://test@/test?host=/nonexistent'],
    ['a server that hangs up', async () => `postgresql://test@127.0.0.1:${await startHangingUp()}/test`],
  ])('%s', async (_title, urlOf) => {
    const away = createDatabase({ url: await urlOf(), applicationName: 'test', maxConnections: 1 });
    const error = await errorOf(() => run(away, 'select 1'));
    await away.close();
    expect(classify(error)).toEqual({ ...NOTHING, unavailable: true });
  });

  test('a pool that was closed', async () => {
    const closed = createDatabase({ url: testDatabase.url, applicationName: 'test', maxConnections: 1 });
    await closed.close();
    const error = await errorOf(() => run(closed, 'select 1'));
    expect(classify(error)).toEqual({ ...NOTHING, unavailable: true });
  });
});

test.concurrent.each(WAYS)('a pool without a free connection, by way of %s', async (_name, run) => {
  const small = createDatabase({ url: testDatabase.url, applicationName: 'test', maxConnections: 1 });
  const held = await small.pool.connect();
  const error = await errorOf(() => run(small, 'select 1'));
  held.release();
  await small.close();
  expect(classify(error)).toEqual({ ...NOTHING, unavailable: true });
});

describe('a unique violation names its constraint', () => {
  const id = 'a'.repeat(24);
  const insert = `insert into vendors (id, external_id) values ('${id}', 'partner-1')`;

  test.each([
    ['pg', () => database.pool.query(insert)],
    ['Prisma', () => database.prisma.vendor.create({ data: { id, externalId: 'partner-1' } })],
  ])('by way of %s', async (_name, insertAgain) => {
    await database.pool.query(`${insert} on conflict do nothing`);
    const error = await errorOf(insertAgain);
    expect(isUniqueViolation(error, 'vendors_pkey')).toBe(true);
    expect(isUniqueViolation(error, 'vendors_external_id_key')).toBe(false);
  });
});

test.each([
  [new Error('something else')],
  [null],
  ['57P01'],
  [{ code: 'P2025' }],
  [{ code: 'ENOENT', message: 'no file' }],
])('%s is none of them', (error) => {
  expect(classify(error)).toEqual(NOTHING);
  expect(sqlStateOf(error)).toBeNull();
});
