import { describe, expect, test } from 'vitest';
import { type AppliedMigration, compareHistory, SchemaMismatchError } from './compare-history.ts';
import type { Migration } from './list-migrations.ts';

const migration = (name: string): Migration => ({ name, sql: '', checksum: `checksum of ${name}` });
const KNOWN = ['20260101000000_first', '20260102000000_second', '20260103000000_third'].map(migration);
const [first, second, third] = KNOWN.map(({ name }) => name) as [string, string, string];

const applied = (name: string, change: Partial<AppliedMigration> = {}): AppliedMigration => ({
  name,
  checksum: `checksum of ${name}`,
  finishedAt: new Date(0),
  ...change,
});
const ALL_KNOWN = KNOWN.map(({ name }) => applied(name));

describe('compareHistory', () => {
  test.each([
    ['an empty database needs all', [], [first, second, third]],
    ['an older one the rest', [applied(first)], [second, third]],
    ['a skipped one is caught up', [applied(first), applied(third)], [second]],
    ['a current one nothing', ALL_KNOWN, []],
  ])('%s', (_title, history, expected) => {
    const { pending, newer } = compareHistory(KNOWN, history);
    expect(pending.map(({ name }) => name)).toEqual(expected);
    expect(newer).toEqual([]);
  });

  test.each([
    ['one that adds', '20260104000000_fourth'],
    ['a contract that needs what this version knows', '20260104000000_drop_needs_20260103000000'],
    ['a contract that has needed it for long', '20260104000000_drop_needs_20260101000000'],
    ['one whose name only looks like a contract', '20260104000000_needs_20260109000000_more'],
  ])('runs on a newer database: %s', (_title, name) => {
    expect(compareHistory(KNOWN, [...ALL_KNOWN, applied(name)])).toEqual({ pending: [], newer: [name] });
  });

  test.each([
    ['changed', applied(first, { checksum: 'other' }), /first was changed after it was applied/],
    ['unfinished', applied(first, { finishedAt: null }), /first was begun and not finished/],
    [
      'unfinished and unknown',
      applied('20260104000000_fourth', { finishedAt: null }),
      /fourth was begun and not finished/,
    ],
    [
      'a contract that needs what this version does not know',
      applied('20260105000000_drop_needs_20260104000000'),
      /too new .* 20260105000000_drop_needs_20260104000000 took away .* does not know migration 20260104000000/,
    ],
  ])('refuses one that is %s', (_title, row, message) => {
    const history = [...ALL_KNOWN.filter(({ name }) => name !== row.name), row];
    expect(() => compareHistory(KNOWN, history)).toThrow(message);
    expect(() => compareHistory(KNOWN, history)).toThrow(SchemaMismatchError);
  });
});
