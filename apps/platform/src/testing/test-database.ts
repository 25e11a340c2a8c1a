import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { inject } from 'vitest';
import { createDatabase, type Database } from '../database/create-database.ts';
import { withClient } from '../database/with-client.ts';
import { createId } from '../ids/create-id.ts';
import type {} from './provided-context.ts';
import { withDatabaseName } from './with-database-name.ts';

export type TestDatabase = {
  url: string;
  /** A pool of ten connections, and Prisma on it. */
  database: Database;
  /**
   * Closes `database` and drops the database. Fails the test when a connection is still in use, borrowed from
   * `database.pool` or opened by anybody else: whoever opened it did not wait for its work.
   */
  drop(): Promise<void>;
};

export type EmptyTestDatabase = Omit<TestDatabase, 'database'>;

/** Closing a connection takes the server a moment. */
const LEAK_PATIENCE_MS = 3_000;
const POLL_MS = 20;
const MAX_NAME_LENGTH = 63;

/** A migrated database without rows that nobody else uses: a clone of the template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { url, drop } = await create(`template ${inject('testServices').postgres.template}`);
  const database = createDatabase({ url, applicationName: 'test', maxConnections: 10 });
  return {
    url,
    database,
    async drop() {
      const borrowed = await waitUntilEmpty(async () => listBorrowed(database.pool));
      // With a connection out, close() would wait for ever.
      if (borrowed.length === 0) await database.close();
      await drop(borrowed);
    },
  };
}

/** A database without any schema, for tests of migrations. */
export async function createEmptyTestDatabase(): Promise<EmptyTestDatabase> {
  return await create('');
}

async function create(createOptions: string) {
  const { adminUrl, template } = inject('testServices').postgres;
  const name = `${template}_${createId()}`;
  if (name.length > MAX_NAME_LENGTH) throw new Error(`PostgreSQL would cut ${name} and two could be one.`);
  await withClient(adminUrl, (admin) => admin.query(`create database ${name} ${createOptions}`));
  return {
    url: withDatabaseName(adminUrl, name),
    /** Drops it; throws when there were leaks or connections are still open. */
    async drop(knownLeaks: string[] = []) {
      const leaks = await withClient(adminUrl, async (admin) => {
        const found = knownLeaks.length > 0 ? knownLeaks : await waitUntilEmpty(() => listOpen(admin, name));
        await admin.query(`drop database ${name} with (force)`);
        return found;
      });
      if (leaks.length > 0) throw new Error(`Database connections leaked:\n${leaks.join('\n')}`);
    },
  };
}

function listBorrowed(pool: pg.Pool): string[] {
  const count = pool.totalCount - pool.idleCount;
  return count === 0 ? [] : [`${count} of the test's own pool were not released`];
}

async function listOpen(admin: pg.Client, databaseName: string): Promise<string[]> {
  const { rows } = await admin.query<{ line: string }>(
    `select format('%s: %s, last statement: %s', application_name, state, query) as line
     from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
    [databaseName],
  );
  return rows.map((row) => row.line);
}

/** What is still listed when patience ends. */
async function waitUntilEmpty(list: () => Promise<string[]>): Promise<string[]> {
  const deadline = performance.now() + LEAK_PATIENCE_MS;
  for (;;) {
    const found = await list();
    if (found.length === 0 || performance.now() > deadline) return found;
    await delay(POLL_MS);
  }
}
