import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from './test-database.ts';
import { testQueueBackends, testRedisUrl } from './test-redis.ts';

test('two test databases are migrated, empty and apart', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await one.database.prisma.vendor.create({ data: { id: 'a'.repeat(24) } });
  expect(await one.database.prisma.vendor.count()).toBe(1);
  expect(await other.database.prisma.vendor.count()).toBe(0);
  await Promise.all([one.drop(), other.drop()]);
});

test('a connection that was not given back fails the drop', async () => {
  const { database, drop } = await createTestDatabase();
  await database.pool.connect();
  await expect(drop()).rejects.toThrow("1 of the test's own pool were not released");
});

test('a connection of somebody else fails the drop, and is named', async () => {
  const { url, drop } = await createTestDatabase();
  const leaked = new pg.Client({ connectionString: url, application_name: 'left-open' });
  leaked.on('error', () => undefined);
  await leaked.connect();
  await leaked.query('select 42');
  await expect(drop()).rejects.toThrow('left-open: idle, last statement: select 42');
});

test('the queue has two places, and Redis says why when it is missing', () => {
  const [postgres, redis] = testQueueBackends();
  expect(postgres).toMatchObject({ name: 'postgres', redisUrl: null, skipReason: null });
  expect(redis?.redisUrl === null).toBe(redis?.skipReason !== null);
});

test.skipIf(testRedisUrl() === null)('every Redis URL is a database of its own', async () => {
  const urls = [testRedisUrl(), testRedisUrl()].flatMap((url) => url ?? []);
  const [one, other] = urls.map((url) => new Redis(url));
  try {
    await one?.set('key', 'value');
    expect(await one?.get('key')).toBe('value');
    expect(await other?.get('key')).toBeNull();
  } finally {
    one?.disconnect();
    other?.disconnect();
  }
});
