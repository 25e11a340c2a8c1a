import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { inject } from 'vitest';
import type {} from './provided-context.ts';

/**
 * A Redis URL with an empty logical database that no other caller gets: a queue of the same name in another
 * test file is another queue. Null when this machine has no `redis-server`.
 */
export function testRedisUrl(): string | null {
  const { redis } = inject('testServices');
  if (redis === null) return null;
  for (let number = 0; number < redis.databases; number += 1) {
    if (claim(path.join(redis.claimsDir, `database-${number}`))) return `${redis.url}/${number}`;
  }
  throw new Error(`All ${redis.databases} Redis databases of this test run are taken.`);
}

/** Making a file that must not exist is atomic, also between the processes that run test files. */
function claim(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx'));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

export type TestQueueBackend = {
  name: 'redis' | 'postgres';
  /** For a suite's title: the name, and why the suite is skipped. */
  title: string;
  /** As in the settings: null means that the queue lives in PostgreSQL. */
  redisUrl: string | null;
  skipReason: string | null;
};

/**
 * Both places the queue can live in, for suites that must hold on either:
 * `describe.for(testQueueBackends())` with `describe.skipIf(backend.skipReason !== null)(backend.title, …)`.
 */
export function testQueueBackends(): TestQueueBackend[] {
  const redisUrl = testRedisUrl();
  const skipReason = redisUrl === null ? 'no redis-server on the PATH' : null;
  return [
    { name: 'postgres', title: 'queue in PostgreSQL', redisUrl: null, skipReason: null },
    {
      name: 'redis',
      title: skipReason === null ? 'queue in Redis' : `queue in Redis (skipped: ${skipReason})`,
      redisUrl,
      skipReason,
    },
  ];
}
