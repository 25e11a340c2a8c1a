import { expect, test } from 'vitest';
import { LOCK_KEYS } from './lock-keys.ts';
import { MIGRATION_LOCK } from './migrate.ts';

test('no two pieces of work share a lock', () => {
  const keys = [...Object.values(LOCK_KEYS), MIGRATION_LOCK];
  expect(new Set(keys).size).toBe(keys.length);
});
