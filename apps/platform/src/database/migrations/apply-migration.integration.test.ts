import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMigrationStage, type MigrationStage } from '../../testing/migration-stage.ts';
import { withClient } from '../with-client.ts';

const PATIENCE = { timeout: 10_000, interval: 10 };
const IMPATIENT = { lockTimeoutMs: 300, pauseMs: 50, giveUpAfterMs: 60_000 };
const ADDS_COLUMN = 'alter table first add column added int';

let stage: MigrationStage;
/** Somebody who uses what the migration changes. */
let client: pg.Client;
let migrate: MigrationStage['migrate'];
let writeMigration: MigrationStage['writeMigration'];

beforeEach(async () => {
  stage = await createMigrationStage();
  ({ client, migrate, writeMigration } = stage);
  await migrate();
  await writeMigration('2_column', ADDS_COLUMN);
  await client.query('begin');
  await client.query('select from first');
});
afterEach(() => stage.close());

/** Until the migration stands in front of the table. */
async function waitUntilItWaits(observer: pg.Client): Promise<void> {
  await vi.waitFor(async () => {
    const { rowCount } = await observer.query(
      "select from pg_locks where relation = to_regclass('first') and not granted",
    );
    expect(rowCount).toBe(1);
  }, PATIENCE);
}

async function readIndex() {
  const { rows } = await client.query(
    `select indisunique as "isUnique", indisvalid as "isValid" from pg_index
      where indexrelid = to_regclass('first_idx')`,
  );
  return rows;
}

test('lets those through who come behind it, and comes again until it is its turn', async () => {
  const reports: string[] = [];
  const running = migrate({ patience: IMPATIENT, report: (line) => void reports.push(line) });
  await withClient(stage.url, async (reader) => {
    await waitUntilItWaits(reader);
    // The forgotten transaction is still open.
    await reader.query('select from first');
    await vi.waitFor(() => expect(reports.length).toBeGreaterThan(1), PATIENCE);
  });
  expect(reports[0]).toContain('2_column does not get its locks');
  await client.query('commit');
  expect(await running).toEqual(['2_column']);
});

test('gives up in the end and says who is in its way; run again, it goes on', async () => {
  const patience = { lockTimeoutMs: 50, pauseMs: 10, giveUpAfterMs: 200 };
  await client.query("set application_name = 'somebody who forgot'");
  await expect(migrate({ patience })).rejects.toThrow(
    /^Migration 2_column failed: it did not get its locks for 0.2 s\. .*: process \d+ \(somebody who forgot\) for \d+ s\./,
  );
  await client.query('commit');
  expect(await migrate({ patience })).toEqual(['2_column']);
});

test('two that lock each other out: what PostgreSQL ends of the two comes again', async () => {
  await writeMigration('2_column', `alter table also_first add column added int; ${ADDS_COLUMN}`);
  const running = migrate({ patience: { ...IMPATIENT, lockTimeoutMs: 5_000 } });
  await withClient(stage.url, waitUntilItWaits);
  // The migration is ended, because it has waited longer; or this is, when it comes a second late.
  await client.query('select from also_first').catch(() => undefined);
  await client.query('commit');
  expect(await running).toEqual(['2_column']);
});

test('builds an index while others write, also for two runners at once', async () => {
  await client.query('commit');
  await writeMigration(
    '2_column',
    '-- Of ids.\ncreate index concurrently if not exists first_idx on first (id);',
  );
  await client.query('begin');
  await client.query('insert into first values (1)');
  const running = Promise.all([migrate(), migrate()]);
  await vi.waitFor(
    async () => expect(await readIndex()).toEqual([{ isUnique: false, isValid: false }]),
    PATIENCE,
  );
  // It waits for this transaction, which may write all the same.
  await client.query('insert into first values (2)');
  await client.query('commit');
  expect((await running).flat()).toEqual(['2_column']);
});

test('builds an index anew that was left half built', async () => {
  await client.query('commit');
  await writeMigration('2_column', 'create index concurrently if not exists first_idx on first (id)');
  await client.query('insert into first values (1), (1)');
  await expect(client.query('create unique index concurrently first_idx on first (id)')).rejects.toThrow(
    'could not create unique index',
  );
  expect(await readIndex()).toEqual([{ isUnique: true, isValid: false }]);
  expect(await migrate()).toEqual(['2_column']);
  expect(await readIndex()).toEqual([{ isUnique: false, isValid: true }]);
});
