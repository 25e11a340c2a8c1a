/**
 * Brings a database to this version's schema, and tells whether it is there.
 *
 * The history is Prisma's own table, `_prisma_migrations`, kept as its CLI keeps it (names, checksums and the
 * advisory lock), so either may be used on the same database; this one needs no engine binary. Two things make
 * it safe: one migration and its row in the history commit in one transaction, so a crash leaves both or
 * neither; and the advisory lock lets one runner in at a time, which reads the history only once it is in. So a
 * runner that waited finds nothing left to do.
 */
import { randomUUID } from 'node:crypto';
import { assertSchemaCompatibility, LATEST_SCHEMA_VERSION, runMigrations } from 'bullmq';
import pg from 'pg';
import { isDatabaseUnavailable, isLockTimeout } from './database-errors.ts';
import {
  type AppliedMigration,
  findPendingMigrations,
  SchemaMismatchError,
} from './migrations/find-pending.ts';
import { listMigrations, type Migration } from './migrations/list-migrations.ts';
import type { SqlExecutor } from './sql-executor.ts';

/** The lock of Prisma's CLI. */
export const MIGRATION_LOCK = 72_707_369;
/** For the advisory lock and every lock a migration takes: better refused than in everybody's way. */
const LOCK_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const MINIMUM_SERVER_VERSION = 150_000;

/**
 * Applies what is missing: our migrations, then the schema of BullMQ's PostgreSQL backend (`bullmq`).
 * Does nothing on a database that is current. Runners at the same time wait for each other.
 *
 * @param url of an existing database, by a user who may create schemas in it
 * @returns the names of the migrations that this call applied
 * @throws SchemaMismatchError when the history cannot be continued or the server is too old; the error of a
 *   migration's statement, in which case nothing of that migration took effect
 */
export async function migrateDatabase(url: string, migrationsDir?: string): Promise<string[]> {
  const known = await listMigrations(migrationsDir);
  const client = new pg.Client({
    connectionString: url,
    application_name: 'vendor-server-migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    keepAlive: true,
  });
  // A connection lost while nothing runs on it; the next statement reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await assertServerVersion(client);
    await takeMigrationLock(client);
    await client.query(HISTORY_TABLE);
    const pending = findPendingMigrations(known, await readHistory(client));
    for (const migration of pending) await applyMigration(client, migration);
    await runMigrations(client);
    return pending.map((migration) => migration.name);
  } finally {
    // The lock goes with the connection.
    await client.end();
  }
}

/**
 * Resolves when the database has exactly the schema that this version needs.
 *
 * @throws SchemaMismatchError with what to do when it is older, newer or half migrated; an error for which
 *   `isDatabaseUnavailable` holds when it cannot be reached
 */
export async function assertDatabaseIsCurrent(executor: SqlExecutor, migrationsDir?: string): Promise<void> {
  const known = await listMigrations(migrationsDir);
  try {
    const pending = findPendingMigrations(known, await readHistory(executor));
    if (pending.length > 0) throw new SchemaMismatchError(needsMigration(pending.map(({ name }) => name)));
    await assertQueueSchemaIsCurrent(executor);
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The database cannot be reached: ${reason}`, { cause: error });
  }
}

/** BullMQ accepts a schema newer than its own, and says itself when it does not. */
async function assertQueueSchemaIsCurrent(executor: SqlExecutor): Promise<void> {
  const { rows } = await executor.query<{ exists: boolean }>(
    "select to_regclass('bullmq.migration') is not null as exists",
  );
  const version = rows[0]?.exists ? await assertSchemaCompatibility(executor) : 0;
  if (version < LATEST_SCHEMA_VERSION) throw new SchemaMismatchError(needsMigration(["the queue's schema"]));
}

function needsMigration(missing: string[]): string {
  return `The database is older than this version of the program (missing: ${missing.join(', ')}). Run \`npm run db:migrate\`.`;
}

async function assertServerVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; name: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as name",
  );
  const [server] = rows;
  if (server !== undefined && server.number < MINIMUM_SERVER_VERSION) {
    throw new SchemaMismatchError(`PostgreSQL 15 or newer is needed; the server is ${server.name}.`);
  }
}

async function takeMigrationLock(client: pg.Client): Promise<void> {
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new Error('Another process has been migrating this database for a minute; see what it waits for.', {
      cause: error,
    });
  }
}

async function applyMigration(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(migration.sql);
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Migration ${migration.name} failed: ${reason}`, { cause: error });
  }
}

async function readHistory(executor: SqlExecutor): Promise<AppliedMigration[]> {
  const { rows } = await executor.query<{ exists: boolean }>(
    "select to_regclass('_prisma_migrations') is not null as exists",
  );
  if (!rows[0]?.exists) return [];
  const history = await executor.query<AppliedMigration>(
    `select migration_name as "name", checksum, finished_at as "finishedAt"
     from _prisma_migrations where rolled_back_at is null order by started_at, migration_name`,
  );
  return history.rows;
}

/** As Prisma's CLI makes it. */
const HISTORY_TABLE = `create table if not exists _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;
