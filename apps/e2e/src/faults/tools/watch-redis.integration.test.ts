import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTcpProxy, type TcpProxy } from '../../system/create-tcp-proxy.ts';
import { createTraps, type Point } from './create-traps.ts';
import { watchRedis } from './watch-redis.ts';

const redisUrl = testRedisUrl();

describe.skipIf(redisUrl === null)('a watched connection to Redis', () => {
  const traps = createTraps();
  let direct: Redis;
  let proxy: TcpProxy;
  let watched: Redis;

  beforeAll(async () => {
    const url = redisUrl ?? '';
    direct = new Redis(url);
    proxy = await createTcpProxy(url, (connection) => watchRedis(connection, traps));
  });
  beforeEach(async () => {
    await direct.flushdb();
    watched = new Redis(proxy.url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    // Those whose connection is cut.
    watched.on('error', () => undefined);
    return () => watched.disconnect();
  });
  afterAll(async () => {
    direct.disconnect();
    await proxy.close();
  });

  async function catchAt(point: Point, work: () => Promise<unknown>) {
    const trap = traps.set(point);
    const outcome = work().then(() => 'done', String);
    return { caught: await trap.sprung, outcome };
  }

  test('holds a command before it arrives, and all behind it', async () => {
    const { caught, outcome } = await catchAt({ statement: /^set held/, side: 'before' }, () =>
      Promise.all([watched.set('before', '1'), watched.set('held', '1'), watched.set('behind', '1')]),
    );
    expect(await direct.keys('*')).toEqual(['before']);
    caught.release();
    expect(await outcome).toBe('done');
    expect(await direct.keys('*')).toHaveLength(3);
  });

  test('holds the reply of a command that has run, and loses it when it is cut', async () => {
    const { caught, outcome } = await catchAt({ statement: /^set held/, side: 'after' }, () =>
      Promise.all([watched.set('before', '1'), watched.set('held', '1'), watched.get('held')]),
    );
    expect(await direct.get('held')).toBe('1');
    caught.cut();
    expect(await outcome).toMatch('Connection is closed');
  });

  test('takes a command inside MULTI for done when its EXEC is, and passes over one that failed', async () => {
    await direct.set('number', 'one');
    const { caught, outcome } = await catchAt(
      { statement: /^(set held|incr number)/, side: 'after' },
      async () => {
        await expect(watched.incr('number')).rejects.toThrow('not an integer');
        const multi = watched.multi({ pipeline: false });
        await multi;
        await watched.set('held', '1');
        expect(await direct.exists('held')).toBe(0);
        await watched.exec();
      },
    );
    expect(await direct.get('held')).toBe('1');
    caught.release();
    expect(await outcome).toBe('done');
  });

  test('passes on values of every kind and size', async () => {
    const large = 'x'.repeat(300_000);
    await watched.mset({ large, empty: '', lines: 'a\r\n$5\r\nb' });
    expect(await watched.mget('large', 'missing', 'empty', 'lines')).toEqual([
      large,
      null,
      '',
      'a\r\n$5\r\nb',
    ]);
    expect(await watched.eval('return {1, {}, {{"a"}, false}}', 0)).toEqual([1, [], [['a'], null]]);
    expect(await watched.hgetall('missing')).toEqual({});
  });
});
