import { describe, expect, test } from 'vitest';
import { type AppliedMigration, findPendingMigrations, SchemaMismatchError } from './find-pending.ts';
import type { Migration } from './list-migrations.ts';

const migration = (name: string): Migration => ({ name, sql: '', checksum: `checksum of ${name}` });
const KNOWN = [migration('1_first'), migration('2_second'), migration('3_third')];

const applied = (name: string, change: Partial<AppliedMigration> = {}): AppliedMigration => ({
  name,
  checksum: `checksum of ${name}`,
  finishedAt: new Date(0),
  ...change,
});

describe('findPendingMigrations', () => {
  test.each([
    ['an empty database needs all', [], ['1_first', '2_second', '3_third']],
    ['an older one the rest', [applied('1_first')], ['2_second', '3_third']],
    ['a skipped one is caught up', [applied('1_first'), applied('3_third')], ['2_second']],
    ['a current one nothing', KNOWN.map(({ name }) => applied(name)), []],
  ])('%s', (_title, history, expected) => {
    expect(findPendingMigrations(KNOWN, history).map(({ name }) => name)).toEqual(expected);
  });

  test.each([
    ['changed', [applied('1_first', { checksum: 'other' })], /1_first was changed after it was applied/],
    ['unfinished', [applied('1_first', { finishedAt: null })], /1_first was begun and not finished/],
    ['unknown', [applied('4_fourth')], /database is newer .* does not know migration 4_fourth/],
  ])('refuses one that is %s', (_title, history, message) => {
    expect(() => findPendingMigrations(KNOWN, history)).toThrow(message);
    expect(() => findPendingMigrations(KNOWN, history)).toThrow(SchemaMismatchError);
  });
});
