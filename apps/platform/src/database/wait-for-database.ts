import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from './create-database.ts';
import { isDatabaseUnavailable } from './database-errors.ts';
import { assertDatabaseFits } from './migrate.ts';

const RETRY_MS = 1_000;

/**
 * Waits until the database can be reached and holds a schema that this version runs on. A database that is away is
 * waited for, because it comes back by itself; a wrong schema is not, because somebody has to act.
 *
 * @param signal ends the wait
 * @throws SchemaMismatchError when the schema is older, half migrated or too new; an AbortError when `signal` aborts
 */
export async function waitForDatabase(
  database: Pick<Database, 'pool'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const newer = await retryWhileDatabaseIsAway(() => assertDatabaseFits(database.pool), logger, signal);
  if (newer.length > 0)
    logger.info({ migrations: newer }, 'Database is newer than this version, which runs on it');
}

/**
 * Does what a start needs the database for; again, from its beginning, when the database went away meanwhile: it may
 * have been done before.
 *
 * @param signal ends the wait
 * @throws whatever else `work` throws; an AbortError when `signal` aborts
 */
export async function retryWhileDatabaseIsAway<Result>(
  work: () => Promise<Result>,
  logger: Logger,
  signal: AbortSignal,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      logger.warn({ err: error, tries }, 'Database is away; waiting for it');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}
