/** Processes that count in one Redis, which goes away, hangs and comes back. */
import { createPrivateRedis, type PrivateRedis } from '@vendor-server/e2e/system/create-private-redis.ts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createId } from '../ids/create-id.ts';
import { testRedisUrl } from '../testing/test-redis.ts';
import { createUseCounter } from './create-use-counter.ts';
import { connectSharedCounts } from './shared-counts.ts';

const MINUTE = 60_000;
const hasRedis = testRedisUrl() !== null;

describe.skipIf(!hasRedis)('counts in Redis (skipped without redis-server)', () => {
  let redis: PrivateRedis;
  beforeAll(async () => {
    redis = await createPrivateRedis();
    await redis.start();
  });
  afterAll(() => redis.close());

  /** A counter as each process has one. */
  function createProcess() {
    const log = { warn: vi.fn<() => void>(), info: vi.fn<() => void>(), debug: vi.fn<() => void>() };
    const counter = createUseCounter({ shared: connectSharedCounts(redis.url, log), logger: log });
    onTestFinished(() => counter.close());
    return { log, count: (key: string, windowMs = MINUTE) => counter.count(key, windowMs) };
  }

  /** Uses one more each time, until what it sees of all processes is enough. Gives its own uses. */
  async function countUntil(
    { count }: ReturnType<typeof createProcess>,
    key: string,
    isEnough: (used: number, own: number) => boolean,
  ): Promise<number> {
    let own = 0;
    await vi.waitFor(
      () => {
        own += 1;
        expect(isEnough(count(key).used, own)).toBe(true);
      },
      { timeout: 10_000, interval: 30 },
    );
    return own;
  }

  test('processes see each other, and share the window', async () => {
    const key = createId();
    const [first, second] = [createProcess(), createProcess()];
    for (let use = 0; use < 100; use += 1) first.count(key);
    await countUntil(second, key, (used, own) => used >= 100 + own);
    expect(second.count(key).endsInMs).toBeLessThan(MINUTE);
    await countUntil(first, key, (used, own) => used > 100 + own);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const endsInMs = await client.pttl(`vendor-server:rate-limit:${key}`);
    expect(endsInMs).toBeGreaterThan(MINUTE / 2);
    expect(endsInMs).toBeLessThanOrEqual(MINUTE);
  });

  test('a window ends for all, and the next begins at one', async () => {
    const key = createId();
    const [first, second] = [createProcess(), createProcess()];
    for (let use = 0; use < 50; use += 1) first.count(key, 1_000);
    await vi.waitFor(() => expect(second.count(key, 1_000).used).toBeGreaterThan(50), { interval: 30 });
    await vi.waitFor(() => expect(second.count(key, 1_000).used).toBeLessThan(10), {
      timeout: 5_000,
      interval: 50,
    });
  });

  test.each(['away', 'hanging'] as const)(
    'a Redis that is %s: own counts at once, later shared again',
    async (how) => {
      const key = createId();
      const [first, second] = [createProcess(), createProcess()];
      await countUntil(first, key, (used) => used > 3);
      await countUntil(second, key, (used, own) => used > own + 2);
      if (how === 'away') await redis.kill();
      else redis.hang();
      const before = first.count(key).used;
      const startedAt = performance.now();
      for (let use = 1; use <= 1_000; use += 1) first.count(key);
      expect(performance.now() - startedAt).toBeLessThan(500);
      await vi.waitFor(() => expect(first.log.warn).toHaveBeenCalledOnce(), { timeout: 5_000 });
      expect(first.count(key).used).toBeGreaterThanOrEqual(before + 1_000);
      if (how === 'away') await redis.start();
      else redis.resume();
      const other = createId();
      for (let use = 0; use < 20; use += 1) first.count(other);
      await vi.waitFor(() => expect(second.count(other).used).toBeGreaterThan(20), {
        timeout: 10_000,
        interval: 50,
      });
      expect(first.count(key).used).toBeLessThan(before + 1_100);
    },
  );
});
