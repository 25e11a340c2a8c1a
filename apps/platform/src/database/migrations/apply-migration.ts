/**
 * Applies a migration to a database that is in use.
 *
 * A statement that changes a table waits for whoever uses it, and everybody who comes later waits behind that
 * statement: one forgotten transaction would stop all traffic until somebody finds it. So a migration waits for its
 * locks for a moment only, is undone, lets through who has queued behind it, and comes again.
 *
 * A migration and its row in the history commit in one transaction, so that a crash leaves both or neither. The one
 * exception is a migration that is a single `create index concurrently if not exists`: it cannot run in a transaction.
 * It blocks nobody, so it may wait for long; when it was cut short, the index that it left is invalid and built anew.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isLockTimeout, isTransientConflict } from '../database-errors.ts';
import type { Migration } from './list-migrations.ts';
import { splitStatements } from './split-statements.ts';

export interface LockPatience {
  /** For each lock. Nobody stands longer behind a migration. */
  readonly lockTimeoutMs: number;
  /** Between two tries, for those who stood behind it. */
  readonly pauseMs: number;
  /** When there will be no further try. */
  readonly giveUpAfterMs: number;
}

/** A lock within two seconds: after one (`deadlock_timeout`) PostgreSQL sends an autovacuum away that holds it. */
export const LOCK_PATIENCE: LockPatience = { lockTimeoutMs: 2_000, pauseMs: 3_000, giveUpAfterMs: 120_000 };

export interface ApplyOptions {
  readonly patience: LockPatience;
  /** Told, in a sentence, why it takes long. */
  readonly report: (line: string) => void;
}

const CONCURRENT_INDEX =
  /^create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+"?(\w+)"?\s+on\s/i;

/**
 * @param client whose `lock_timeout` is that of the patience
 * @throws Error with the migration's name, in which case nothing of it took effect
 */
export async function applyMigration(
  client: pg.Client,
  migration: Migration,
  options: ApplyOptions,
): Promise<void> {
  const index = readConcurrentIndex(migration.sql);
  try {
    if (index !== null) await buildIndex(client, migration, { index, ...options.patience });
    else
      await retryForLocks(client, () => applyAtOnce(client, migration), { ...options, name: migration.name });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Migration ${migration.name} failed: ${reason}`, { cause: error });
  }
}

/**
 * Does work that leaves nothing behind when it fails; again, as long as the reason is that it did not get its locks.
 *
 * @throws Error that names whose transactions have been open for long, when patience has come to its end
 */
export async function retryForLocks<Result>(
  client: pg.Client,
  work: () => Promise<Result>,
  { name, patience, report }: ApplyOptions & { readonly name: string },
): Promise<Result> {
  const begunAt = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLockTimeout(error) && !isTransientConflict(error)) throw error;
      if (performance.now() - begunAt > patience.giveUpAfterMs) {
        throw new Error(
          `it did not get its locks for ${patience.giveUpAfterMs / 1_000} s. ${await describeOpenTransactions(client)}`,
          { cause: error },
        );
      }
      report(`${name} does not get its locks, and lets others through before its next try`);
      await sleep(patience.pauseMs);
    }
  }
}

async function applyAtOnce(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(migration.sql);
    await addToHistory(client, migration);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

function readConcurrentIndex(sql: string): string | null {
  const [only = '', ...others] = splitStatements(sql);
  return others.length === 0 ? (CONCURRENT_INDEX.exec(only)?.[1] ?? null) : null;
}

async function buildIndex(
  client: pg.Client,
  migration: Migration,
  { index, lockTimeoutMs, giveUpAfterMs }: LockPatience & { readonly index: string },
): Promise<void> {
  const setLockTimeout = (ms: number) =>
    client.query("select set_config('lock_timeout', $1, false)", [`${ms}ms`]);
  await setLockTimeout(giveUpAfterMs);
  const { rowCount } = await client.query(
    'select from pg_index where indexrelid = to_regclass($1) and not indisvalid',
    [`"${index}"`],
  );
  if (rowCount !== 0) await client.query(`drop index concurrently "${index}"`);
  await client.query(migration.sql);
  await addToHistory(client, migration);
  await setLockTimeout(lockTimeoutMs);
}

async function addToHistory(client: pg.Client, { name, checksum }: Migration): Promise<void> {
  await client.query(
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), checksum, name],
  );
}

/** The oldest, without what they do: a statement may hold anything. */
async function describeOpenTransactions(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ line: string }>(
    `select format('process %s (%s) for %s s', pid, coalesce(nullif(application_name, ''), usename),
                   extract(epoch from clock_timestamp() - xact_start)::int) as line
       from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
        and xact_start is not null
      order by xact_start limit 3`,
  );
  if (rows.length === 0) return 'No transaction is open now: run it again.';
  const oldest = rows.map(({ line }) => line).join(', ');
  return `Open the longest in pg_stat_activity: ${oldest}. End what was forgotten, then run it again.`;
}
