import type { Migration } from './list-migrations.ts';

/** A row of `_prisma_migrations` that was not rolled back. */
export type AppliedMigration = {
  name: string;
  checksum: string;
  /** Null means that it was begun and never finished. */
  finishedAt: Date | null;
};

/** The database and this version of the code do not fit together; the message says what to do. */
export class SchemaMismatchError extends Error {
  override name = 'SchemaMismatchError';
}

/**
 * Which of this version's migrations the database still needs, in order.
 *
 * @throws SchemaMismatchError when the history cannot be continued: a migration was begun and not finished,
 *   is unknown to this version (the database is newer), or was changed after it was applied
 */
export function findPendingMigrations(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] {
  const unfinished = applied.find((row) => row.finishedAt === null);
  if (unfinished !== undefined) {
    throw new SchemaMismatchError(
      `Migration ${unfinished.name} was begun and not finished: the database may be half migrated. Compare it ` +
        'with the migration, complete or undo it by hand, then set finished_at or rolled_back_at of its row in ' +
        '_prisma_migrations.',
    );
  }
  const knownByName = new Map(known.map((migration) => [migration.name, migration]));
  for (const row of applied) {
    const migration = knownByName.get(row.name);
    if (migration === undefined) {
      throw new SchemaMismatchError(
        `The database is newer than this version of the program, which does not know migration ${row.name}. Run ` +
          'the version that brought it, or a later one.',
      );
    }
    if (migration.checksum !== row.checksum) {
      throw new SchemaMismatchError(
        `Migration ${row.name} was changed after it was applied to this database. Restore its file and put the ` +
          'change into a new migration.',
      );
    }
  }
  const appliedNames = new Set(applied.map((row) => row.name));
  return known.filter((migration) => !appliedNames.has(migration.name));
}
