/**
 * Which versions of the program are at work on a database, as far as their connections show it: each process names, in
 * `pg_stat_activity`, the newest migration that it knows. So a contract is refused while somebody still uses what it
 * takes away, and not only found out by those who fail then.
 */
import type pg from 'pg';
import { readNeededMigration, SchemaMismatchError } from './compare-history.ts';
import type { Migration } from './list-migrations.ts';

const STAMP_LENGTH = 14;
/** API and worker; commands go back to their shell before anybody migrates. Versions before this one name no migration. */
const PROCESS_NAME = /^vendor-server-(?:api|worker)(?: (\d{14}))?$/;

/** E.g. `vendor-server-api 20261126010401`, within the 63 bytes that PostgreSQL keeps. */
export function buildConnectionName(processName: string, known: readonly Migration[]): string {
  return `${processName} ${known.at(-1)?.name.slice(0, STAMP_LENGTH) ?? ''}`.trim();
}

/** @throws SchemaMismatchError when the migration takes away what a process uses that is connected now */
export async function assertNobodyUses(client: pg.Client, { name }: Migration): Promise<void> {
  const needed = readNeededMigration(name);
  if (needed === null) return;
  const { rows } = await client.query<{ connectionName: string }>(
    `select distinct application_name as "connectionName" from pg_stat_activity
      where datname = current_database() order by 1`,
  );
  const older = rows.map(({ connectionName }) => connectionName).filter((each) => isOlder(each, needed));
  if (older.length === 0) return;
  throw new SchemaMismatchError(
    `Migration ${name} takes away what processes use that still run (in pg_stat_activity: ${older.join(', ')}). ` +
      `Replace them by a version that knows migration ${needed}, then run this again.`,
  );
}

function isOlder(connectionName: string, needed: string): boolean {
  const process = PROCESS_NAME.exec(connectionName);
  return process !== null && (process[1] ?? '') < needed;
}
