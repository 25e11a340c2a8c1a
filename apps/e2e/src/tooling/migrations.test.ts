import { readNeededMigration } from '@vendor-server/platform/database/migrations/compare-history.ts';
import { listMigrations } from '@vendor-server/platform/database/migrations/list-migrations.ts';
import { describe, expect, test } from 'vitest';
import { findUnexplainedHazards } from '../deploys/find-migration-hazards.ts';
import { LAST_MIGRATION_BEFORE } from '../deploys/release-before.ts';

/** Written before there was this rule; it says itself whom it keeps waiting, and for how long. */
const EXPLAINED_OTHERWISE = new Set(['20261126010400_deliveries_of_replay']);

const migrations = await listMigrations();
const names = migrations.map(({ name }) => name);
const ofThisRelease = migrations.filter(({ name }) => name > LAST_MIGRATION_BEFORE);

describe('the migrations of this release', () => {
  test('follow those of the release before', () => {
    expect(names).toContain(LAST_MIGRATION_BEFORE);
    expect(names.filter((name) => !/^\d{14}_\w+$/.test(name))).toEqual([]);
  });

  test.each(ofThisRelease.filter(({ name }) => !EXPLAINED_OTHERWISE.has(name)))(
    'let the release before work on: $name',
    (migration) => {
      expect(findUnexplainedHazards(migration)).toEqual([]);
    },
  );

  test('take nothing away but what the release before can do without', () => {
    const known = names.filter((name) => name <= LAST_MIGRATION_BEFORE).map((name) => name.slice(0, 14));
    const needed = ofThisRelease
      .map(({ name }) => readNeededMigration(name))
      .filter((stamp) => stamp !== null);
    expect(needed.filter((stamp) => !known.includes(stamp))).toEqual([]);
  });
});
