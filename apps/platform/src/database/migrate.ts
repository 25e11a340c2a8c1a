/**
 * Brings a database to this version's schema, and tells whether this version runs on it.
 *
 * The history is Prisma's own table, `_prisma_migrations`, kept as its CLI keeps it (names, checksums and the
 * advisory lock), so either may be used on the same database; this one needs no engine binary. Two things make
 * it safe, also while API and workers run: one migration and its row in the history commit in one transaction
 * (see apply-migration.ts), so a crash leaves both or neither; and the advisory lock lets one runner in at a time,
 * which reads the history only once it is in. So a runner that waited finds nothing left to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { assertSchemaCompatibility, LATEST_SCHEMA_VERSION, runMigrations } from 'bullmq';
import pg from 'pg';
import { isDatabaseUnavailable } from './database-errors.ts';
import {
  type ApplyOptions,
  applyMigration,
  LOCK_PATIENCE,
  type LockPatience,
  retryForLocks,
} from './migrations/apply-migration.ts';
import { type AppliedMigration, compareHistory, SchemaMismatchError } from './migrations/compare-history.ts';
import { listMigrations } from './migrations/list-migrations.ts';
import { assertNobodyUses } from './migrations/running-versions.ts';
import type { SqlExecutor } from './sql-executor.ts';

/** The lock of Prisma's CLI. */
export const MIGRATION_LOCK = 72_707_369;
/** How long a runner waits for another one, and how often it looks. */
const OTHER_RUNNER_LIMIT_MS = 60_000;
const OTHER_RUNNER_POLL_MS = 200;
const CONNECT_TIMEOUT_MS = 10_000;
const MINIMUM_SERVER_VERSION = 150_000;

export interface MigrateOptions {
  /** Those that ship, unless said otherwise. */
  readonly migrationsDir?: string;
  readonly patience?: LockPatience;
  /** Told, in a sentence, why it takes long. */
  readonly report?: (line: string) => void;
}

/**
 * Applies what is missing: our migrations, then the schema of BullMQ's PostgreSQL backend (`bullmq`).
 * Does nothing on a database that is current, or newer. Runners at the same time wait for each other.
 *
 * @param url of an existing database, by a user who may create schemas in it
 * @returns the names of the migrations that this call applied
 * @throws SchemaMismatchError when the history cannot be continued, the server is too old, or a process that runs is too
 *   old for a migration; an error that says which migration failed, and why. Nothing of that migration took effect then
 */
export async function migrateDatabase(
  url: string,
  { migrationsDir, patience = LOCK_PATIENCE, report = () => undefined }: MigrateOptions = {},
): Promise<string[]> {
  const known = await listMigrations(migrationsDir);
  const client = new pg.Client({
    connectionString: url,
    application_name: 'vendor-server-migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: patience.lockTimeoutMs,
    keepAlive: true,
  });
  // A connection lost while nothing runs on it; the next statement reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await assertServerVersion(client);
    await takeMigrationLock(client);
    await client.query(HISTORY_TABLE);
    const { pending, newer } = compareHistory(known, await readHistory(client));
    const [missing] = pending;
    if (missing !== undefined && newer.length > 0) {
      throw new SchemaMismatchError(
        `The database is newer than this version of the program (it has ${newer.join(', ')}) and lacks ` +
          `${missing.name}. Run \`npm run db:migrate\` of a version that has both.`,
      );
    }
    for (const migration of pending) {
      await assertNobodyUses(client, migration);
      await applyMigration(client, migration, { patience, report });
    }
    await migrateQueue(client, { patience, report });
    return pending.map((migration) => migration.name);
  } finally {
    // The lock goes with the connection.
    await client.end();
  }
}

/**
 * Resolves when this version runs on the database: it has every migration of this version's, and perhaps newer ones.
 *
 * @returns the names of the newer ones
 * @throws SchemaMismatchError with what to do when it is older, half migrated, or too new; an error for which
 *   `isDatabaseUnavailable` holds when it cannot be reached
 */
export async function assertDatabaseFits(
  executor: SqlExecutor,
  migrationsDir?: string,
): Promise<readonly string[]> {
  const known = await listMigrations(migrationsDir);
  try {
    const { pending, newer } = compareHistory(known, await readHistory(executor));
    if (pending.length > 0) throw new SchemaMismatchError(needsMigration(pending.map(({ name }) => name)));
    if (!(await isQueueSchemaCurrent(executor))) {
      throw new SchemaMismatchError(needsMigration(["the queue's schema"]));
    }
    return newer;
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The database cannot be reached: ${reason}`, { cause: error });
  }
}

/** BullMQ accepts a schema newer than its own, and says itself when it does not. */
async function isQueueSchemaCurrent(executor: SqlExecutor): Promise<boolean> {
  const { rows } = await executor.query<{ exists: boolean }>(
    "select to_regclass('bullmq.migration') is not null as exists",
  );
  const version = rows[0]?.exists ? await assertSchemaCompatibility(executor) : 0;
  return version >= LATEST_SCHEMA_VERSION;
}

/** BullMQ's runner locks its history against every reader even when it has nothing to do. */
async function migrateQueue(client: pg.Client, options: ApplyOptions): Promise<void> {
  if (await isQueueSchemaCurrent(client)) return;
  const name = "The queue's schema";
  await retryForLocks(client, () => runMigrations(client), { ...options, name });
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

/**
 * Asks instead of waiting in the server: an index that is built concurrently waits for every statement that is under
 * way, that of a runner who waits for this one included.
 */
async function takeMigrationLock(client: pg.Client): Promise<void> {
  const begunAt = performance.now();
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
      MIGRATION_LOCK,
    ]);
    if (rows[0]?.taken) return;
    if (performance.now() - begunAt > OTHER_RUNNER_LIMIT_MS) {
      throw new Error(
        'Another process has been migrating this database for a minute; see what it waits for.',
      );
    }
    await sleep(OTHER_RUNNER_POLL_MS);
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
