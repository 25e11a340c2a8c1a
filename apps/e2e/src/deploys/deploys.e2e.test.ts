/** Deployments under load, from one version to its neighbour: nothing is lost, and no call fails. */
import { migrateDatabase } from '@vendor-server/platform/database/migrate.ts';
import { listMigrations } from '@vendor-server/platform/database/migrations/list-migrations.ts';
import { withClient } from '@vendor-server/platform/database/with-client.ts';
import {
  createEmptyTestDatabase,
  createTestDatabase,
} from '@vendor-server/platform/testing/test-database.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { describe, expect, test } from 'vitest';
import { startProcess } from '../system/start-process.ts';
import { createNextRelease, listNextMigrations } from './create-next-release.ts';
import { deploy } from './deploy.ts';
import { findUnexplainedHazards } from './find-migration-hazards.ts';
import { checkOutRelease, findCommitBefore, THIS_RELEASE } from './release.ts';
import { LAST_MIGRATION_BEFORE } from './release-before.ts';

const RUNS_ON_NEWER = 'Database is newer than this version, which runs on it';
/** A fraction of that; but a start of a process takes as long as it takes. */
const LIMIT = { timeout: 300_000 };
const commitBefore = await findCommitBefore();

const start = commitBefore === null ? 'this release' : `the release before (${commitBefore.slice(0, 12)})`;

describe.concurrent('deployments', LIMIT, () => {
  test(`from ${start} to the next, under load: nothing is lost, and no call fails`, async ({
    onTestFinished,
  }) => {
    const tables = await listTables();
    const next = await createNextRelease(tables);
    onTestFinished(() => next.remove());
    const before = commitBefore === null ? null : await checkOutRelease(commitBefore);
    onTestFinished(() => before?.remove());
    const { applied, answers, violations, workers } = await deploy({
      releases: before === null ? [THIS_RELEASE, next] : [before, THIS_RELEASE, next],
      redisUrl: testRedisUrl(),
    });
    expect(violations).toEqual([]);
    // Every call: none failed, and none was refused.
    expect(answers.filter(({ got }) => got.kind !== 'acknowledged')).toEqual([]);

    const names = (await listMigrations()).map(({ name }) => name);
    const ofThisRelease = names.filter((name) => name > LAST_MIGRATION_BEFORE);
    const ofNext = applied.at(-1);
    expect(ofNext).toHaveLength(listNextMigrations(tables).length);
    expect(applied.slice(0, -1)).toEqual(before === null ? [] : [ofThisRelease]);
    // The last worker is as one that crashed behind the migration, or that was gone back to.
    const saying = workers.map(({ log }) => log.lines.filter(({ msg }) => msg === RUNS_ON_NEWER));
    expect(saying.slice(0, -1).flat()).toEqual([]);
    expect(saying.at(-1)).toEqual([expect.objectContaining({ migrations: ofNext })]);
  });

  test('what the next release migrates is all that needs no reason', async () => {
    for (const sql of listNextMigrations(await listTables())) {
      expect(findUnexplainedHazards({ name: 'next', sql })).toEqual([]);
    }
  });

  test('an API that its database is too new for says what to do and ends', async () => {
    const { url, database, drop } = await createTestDatabase();
    await database.pool.query(
      "insert into _prisma_migrations values ('id', 'sum', now(), '99000000000000_drop_needs_98000000000000')",
    );
    const started = startProcess({
      name: 'api',
      command: process.execPath,
      args: [THIS_RELEASE.programs.api],
      env: { DATABASE_URL: url, PORT: '0' },
    });
    expect(await started.ended).toBe('exit code 1');
    const advice = 'does not know migration 98000000000000. Run a version that knows it.';
    const fatal = started.log.lines.filter(({ msg }) => msg === 'Could not start');
    expect(fatal).toMatchObject([{ level: 'fatal', err: { message: expect.stringContaining(advice) } }]);
    await drop();
  });
});

async function listTables(): Promise<string[]> {
  const { url, drop } = await createEmptyTestDatabase();
  await migrateDatabase(url);
  const { rows } = await withClient(url, (client) =>
    client.query<{ name: string }>(
      `select tablename as name from pg_tables
        where schemaname = 'public' and tablename <> '_prisma_migrations' order by 1`,
    ),
  );
  await drop();
  return rows.map(({ name }) => name);
}
