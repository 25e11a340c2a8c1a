import type pg from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Database } from '../database/create-database.ts';
import { emptyDatabase } from './delivery-fixtures.ts';
import { createStage, type Party } from './party.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface PartyStage {
  database(): Database;
  pool(): pg.Pool;
  /** One party for each name, until the test that asks ends. */
  createParties<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [Index in keyof Names]: Party }>;
}

/** A database for the parties of a file's tests: made before them, emptied before each, dropped after them. */
export function createPartyStage(): PartyStage {
  let subject: TestDatabase;
  beforeAll(async () => {
    subject = await createTestDatabase();
  });
  afterAll(() => subject.drop());
  beforeEach(() => emptyDatabase(subject.database.pool));

  return {
    database: () => subject.database,
    pool: () => subject.database.pool,
    async createParties<const Names extends readonly string[]>(...names: Names) {
      const createParty = await createStage(subject.url);
      const parties = [];
      for (const name of names) parties.push(await createParty(name));
      return parties as { [Index in keyof Names]: Party };
    },
  };
}
