import { startEmbeddedPostgres } from '../database/embedded-postgres.ts';
import { migrateDatabase } from '../database/migrate.ts';
import { withClient } from '../database/with-client.ts';
import { createId } from '../ids/create-id.ts';
import { createTemporaryDataDir } from './create-temporary-data-dir.ts';
import type { TestServices } from './provided-context.ts';
import { withDatabaseName } from './with-database-name.ts';

export type TestPostgres = { services: TestServices['postgres']; stop(): Promise<void> };

/** Nothing here outlives the tests, so nothing waits for a disk. */
const FAST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // Test files run side by side, each with pools of its own.
  max_connections: '300',
};

/**
 * A PostgreSQL with a migrated template: the server of `existingUrl`, whose user may create databases, or an
 * embedded one in a temporary directory. `stop` leaves nothing behind on either.
 */
export async function startTestPostgres(existingUrl: string | undefined): Promise<TestPostgres> {
  const server =
    existingUrl === undefined ? await startTemporaryServer() : { url: existingUrl, stop: async () => {} };
  try {
    // Short: with a clone's id behind it, it must stay within the 63 bytes after which PostgreSQL cuts a name.
    const template = `vs_test_${createId()}`;
    await withClient(server.url, (client) => client.query(`create database ${template}`));
    await migrateDatabase(withDatabaseName(server.url, template));
    return {
      services: { adminUrl: server.url, template },
      async stop() {
        await dropDatabases(server.url, template);
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function startTemporaryServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = await createTemporaryDataDir();
  try {
    const { url, stop } = await startEmbeddedPostgres({
      dataDir: dataDir.path,
      serverSettings: FAST_SETTINGS,
    });
    return { url, stop: () => stop().then(dataDir.remove) };
  } catch (error) {
    await dataDir.remove();
    throw error;
  }
}

/** The template and the clones of tests that did not drop theirs. */
async function dropDatabases(url: string, template: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [template],
    );
    for (const { name } of rows) await client.query(`drop database ${name} with (force)`);
  });
}
