import type { Logger } from 'pino';
import { createDatabase, type Database, type DatabaseOptions } from '../database/create-database.ts';
import { listMigrations } from '../database/migrations/list-migrations.ts';
import { buildConnectionName } from '../database/migrations/running-versions.ts';
import { waitForDatabase } from '../database/wait-for-database.ts';
import type { Settings } from '../settings/settings.ts';
import type { Lifecycle } from './lifecycle.ts';

export interface StartDatabaseOptions extends Pick<DatabaseOptions, 'walksIndexes' | 'plansOnce'> {
  /** Of the part; for when a process opens more than one. */
  readonly part?: string;
  readonly settings: Pick<Settings, 'databaseUrl'>;
  readonly logger: Logger;
  /** Shown in `pg_stat_activity`, with the version behind it. */
  readonly applicationName: string;
  readonly maxConnections: number;
}

/**
 * Opens the database of a process and waits until it answers with a schema that this version runs on.
 *
 * @throws when DATABASE_URL is not set, or the schema is none that this version runs on
 */
export async function startDatabase(
  lifecycle: Lifecycle,
  { part = 'database', settings, logger, ...options }: StartDatabaseOptions,
): Promise<{ readonly database: Database; readonly databaseUrl: string }> {
  const { databaseUrl } = settings;
  if (databaseUrl === null) throw new Error('DATABASE_URL is not set; `npm start` brings its own database');
  const connectionName = buildConnectionName(options.applicationName, await listMigrations());
  const database = await lifecycle.start(
    part,
    () => createDatabase({ ...options, url: databaseUrl, applicationName: connectionName, logger }),
    (started) => started.close(),
  );
  await waitForDatabase(database, logger, lifecycle.stopping);
  return { database, databaseUrl };
}
