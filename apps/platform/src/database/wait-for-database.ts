import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from './create-database.ts';
import { isDatabaseUnavailable } from './database-errors.ts';
import { assertDatabaseIsCurrent } from './migrate.ts';

const RETRY_MS = 1_000;

/**
 * Waits until the database can be reached and holds the schema this version needs. A database that is away is
 * waited for, because it comes back by itself; a wrong schema is not, because somebody has to act.
 *
 * @param signal ends the wait
 * @throws when the schema is newer, older or half migrated; an AbortError when `signal` aborts
 */
export async function waitForDatabase(
  database: Pick<Database, 'pool'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await assertDatabaseIsCurrent(database.pool);
      return;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      logger.warn({ err: error, tries }, 'Database is away; waiting for it');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}
