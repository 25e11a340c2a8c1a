import { withClient } from '@vendor-server/platform/database/with-client.ts';
import { createLifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import { findFreePort } from '@vendor-server/platform/network/find-free-ports.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import pino from 'pino';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startServices } from './start-services.ts';
import { withRedis } from './with-redis.ts';

const redisUrl = testRedisUrl();
const { adminUrl } = inject('testServices').postgres;

function createTestLifecycle() {
  const lifecycle = createLifecycle({ logger: pino({ level: 'silent' }), stopDeadlineMs: 5_000 });
  onTestFinished(async () => void (await lifecycle.stop('the test is over')));
  return lifecycle;
}

const listDatabases = () =>
  withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>('select datname as name from pg_database');
    return rows.map(({ name }) => name);
  });

describe.skipIf(redisUrl === null)('with servers that are given', () => {
  const given = { databaseUrl: adminUrl, redisUrl, isQueueInPostgres: false, searchPath: '' };
  const onRedis = { url: redisUrl ?? '' };

  test('takes them as they are, and leaves nothing behind for the next run to stumble over', async () => {
    const lifecycle = createTestLifecycle();
    const services = await startServices(lifecycle, given);
    expect(services).toMatchObject({ adminUrl, redisUrl, database: 'given', cpu: [] });
    expect(services.versions).toEqual({
      postgres: expect.stringMatching(/^\d/),
      redis: expect.stringMatching(/^\d/),
    });
    expect(await listDatabases()).toContain(services.template);
    // As stages do.
    await withRedis(onRedis.url, (client) => client.set('bull:deliveries:meta', '1'));
    await lifecycle.stop('the bench is over');
    expect(await withRedis(onRedis.url, (client) => client.dbsize())).toBe(0);
    expect(await listDatabases()).not.toContain(services.template);
  });

  test('refuses a Redis that is in use, and lets it be', async () => {
    await withRedis(onRedis.url, (client) => client.set('somebody', '1'));
    const lifecycle = createTestLifecycle();
    await expect(startServices(lifecycle, given)).rejects.toThrow('REDIS_URL is in use (1 keys)');
    await lifecycle.stop('the bench failed');
    expect(await withRedis(onRedis.url, (client) => client.dbsize())).toBe(1);
  });

  test('says at once where nobody answers', async () => {
    const nowhere = `127.0.0.1:${await findFreePort()}`;
    const lifecycle = createTestLifecycle();
    const refused = `connect ECONNREFUSED ${nowhere}`;
    await expect(startServices(lifecycle, { ...given, redisUrl: `redis://${nowhere}` })).rejects.toThrow(
      refused,
    );
  });
});

test('keeps the queue in PostgreSQL when that is asked for', async () => {
  const lifecycle = createTestLifecycle();
  const options = {
    databaseUrl: adminUrl,
    redisUrl: 'redis://127.0.0.1:9',
    isQueueInPostgres: true,
    searchPath: '',
  };
  const services = await startServices(lifecycle, options);
  expect(services.redisUrl).toBeNull();
  expect(Object.keys(services.versions)).toEqual(['postgres']);
});
