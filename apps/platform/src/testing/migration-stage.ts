import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { type MigrateOptions, migrateDatabase } from '../database/migrate.ts';
import { createEmptyTestDatabase } from './test-database.ts';

/** An empty database, and migrations of a test's own for it. */
export interface MigrationStage {
  readonly url: string;
  readonly directory: string;
  /** One connection to the database. */
  readonly client: pg.Client;
  writeMigration(name: string, sql: string): Promise<void>;
  removeMigration(name: string): Promise<void>;
  migrate(options?: MigrateOptions): Promise<string[]>;
  close(): Promise<void>;
}

/** With one migration, `1_first`, that makes two tables of one column each. */
export async function createMigrationStage(): Promise<MigrationStage> {
  const directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-migrations-'));
  const { url, drop } = await createEmptyTestDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();

  async function writeMigration(name: string, sql: string): Promise<void> {
    await mkdir(path.join(directory, name), { recursive: true });
    await writeFile(path.join(directory, name, 'migration.sql'), sql);
  }

  await writeMigration('1_first', 'create table first (id int); create table also_first (id int);');
  return {
    url,
    directory,
    client,
    writeMigration,
    removeMigration: (name) => rm(path.join(directory, name), { recursive: true }),
    migrate: (options = {}) => migrateDatabase(url, { migrationsDir: directory, ...options }),
    async close() {
      await client.end();
      await drop();
      await rm(directory, { recursive: true });
    },
  };
}
