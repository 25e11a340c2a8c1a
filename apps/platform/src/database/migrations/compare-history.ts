/**
 * Which versions of the program fit a database.
 *
 * Every migration keeps the version before working: it adds (expand). What no version that may still run uses any
 * more is taken away by a later one (contract), and that one says in its name which migration a program has to know
 * to do without: `20270101000000_drop_refused_secret_needs_20261125010700`. The name is what a program that was
 * written earlier can read of it: it stands in the database's history, whoever applied it.
 *
 * So a program runs on a database that has all of its migrations and any number of newer ones, but for contracts that
 * need a migration which it does not know. During a deployment, and after going back to the program before, old
 * processes start on the new schema as if nothing had happened.
 */
import type { Migration } from './list-migrations.ts';

/** A row of `_prisma_migrations` that was not rolled back. */
export type AppliedMigration = {
  name: string;
  checksum: string;
  /** Null means that it was begun and never finished. */
  finishedAt: Date | null;
};

export interface HistoryComparison {
  /** Migrations of this version that the database does not have, in order. */
  readonly pending: readonly Migration[];
  /** Names of migrations that the database has and this version does not know; it runs on them. */
  readonly newer: readonly string[];
}

/** The database and this version of the code do not fit together; the message says what to do. */
export class SchemaMismatchError extends Error {
  override name = 'SchemaMismatchError';
}

const CONTRACT_NAME = /_needs_(\d{14})$/;

/** The beginning of the name of the migration that a program has to know to run after this one; null when any may. */
export function readNeededMigration(name: string): string | null {
  return CONTRACT_NAME.exec(name)?.[1] ?? null;
}

/**
 * Holds this version's migrations against those of a database.
 *
 * @throws SchemaMismatchError when the two do not fit: a migration was begun and not finished, was changed after it
 *   was applied, or took away what this version uses
 */
export function compareHistory(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): HistoryComparison {
  const unfinished = applied.find((row) => row.finishedAt === null);
  if (unfinished !== undefined) {
    throw new SchemaMismatchError(
      `Migration ${unfinished.name} was begun and not finished: the database may be half migrated. Compare it ` +
        'with the migration, complete or undo it by hand, then set finished_at or rolled_back_at of its row in ' +
        '_prisma_migrations.',
    );
  }
  const knownByName = new Map(known.map((migration) => [migration.name, migration]));
  const newer: string[] = [];
  for (const row of applied) {
    const migration = knownByName.get(row.name);
    if (migration === undefined) {
      assertDoesWithout(known, row.name);
      newer.push(row.name);
    } else if (migration.checksum !== row.checksum) {
      throw new SchemaMismatchError(
        `Migration ${row.name} was changed after it was applied to this database. Restore its file and put the ` +
          'change into a new migration.',
      );
    }
  }
  const appliedNames = new Set(applied.map((row) => row.name));
  return { pending: known.filter((migration) => !appliedNames.has(migration.name)), newer };
}

function assertDoesWithout(known: readonly Migration[], unknownName: string): void {
  const needed = readNeededMigration(unknownName);
  if (needed === null || known.some(({ name }) => name.startsWith(`${needed}_`))) return;
  throw new SchemaMismatchError(
    `The database is too new for this version of the program: migration ${unknownName} took away what a version ` +
      `uses that does not know migration ${needed}. Run a version that knows it.`,
  );
}
