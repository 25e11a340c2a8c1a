import type { TestProject } from 'vitest/node';
import { findProgram } from './find-program.ts';
import { startTestPostgres } from './start-test-postgres.ts';
import { startTestRedis } from './start-test-redis.ts';

/**
 * Runs once before the test files of a project: a PostgreSQL with a migrated template, a Redis where the
 * machine has one, and where its Chromium is.
 * - `TEST_DATABASE_URL`: use that server (its user may create databases) instead of the embedded one.
 * - `REQUIRE_REDIS=1`: fail without `redis-server` instead of skipping what needs it.
 * - `REQUIRE_CHROMIUM=1`: the same for `chromium`.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_DATABASE_URL, REQUIRE_REDIS, REQUIRE_CHROMIUM, PATH = '' } = process.env;
  const chromium = await findProgram('chromium', PATH);
  if (chromium === null && REQUIRE_CHROMIUM === '1') {
    throw new Error('REQUIRE_CHROMIUM is 1, and there is no chromium on the PATH.');
  }
  const redis = await startTestRedis(PATH);
  if (redis === null && REQUIRE_REDIS === '1') {
    throw new Error('REQUIRE_REDIS is 1, and there is no redis-server on the PATH.');
  }
  try {
    const postgres = await startTestPostgres(TEST_DATABASE_URL);
    project.provide('testServices', {
      postgres: postgres.services,
      redis: redis?.services ?? null,
      chromium,
    });
    return async () => {
      await Promise.all([postgres.stop(), redis?.stop()]);
    };
  } catch (error) {
    await redis?.stop();
    throw error;
  }
}
