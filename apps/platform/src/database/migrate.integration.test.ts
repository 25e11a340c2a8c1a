import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMigrationStage, type MigrationStage } from '../testing/migration-stage.ts';
import { isDatabaseUnavailable } from './database-errors.ts';
import { assertDatabaseFits, migrateDatabase } from './migrate.ts';
import { withClient } from './with-client.ts';

const PATIENCE = { timeout: 10_000, interval: 10 };

let stage: MigrationStage;
let client: pg.Client;
let migrate: MigrationStage['migrate'];
let writeMigration: MigrationStage['writeMigration'];

beforeEach(async () => {
  stage = await createMigrationStage();
  ({ client, migrate, writeMigration } = stage);
});
afterEach(() => stage.close());

const assertFits = () => assertDatabaseFits(client, stage.directory);

async function addToHistory(name: string): Promise<void> {
  await client.query(
    `insert into _prisma_migrations (id, checksum, migration_name, finished_at)
     values (md5($1::text), 'a checksum', $1::text, now())`,
    [name],
  );
}

async function tableExists(name: string): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [
    name,
  ]);
  return rows[0]?.exists === true;
}

describe('migrateDatabase', () => {
  test('brings an empty database to the schema, the queue included, and then has nothing to do', async () => {
    expect(await migrate()).toEqual(['1_first']);
    expect(await tableExists('also_first')).toBe(true);
    expect(await tableExists('bullmq.job')).toBe(true);
    await assertFits();
    expect(await migrate()).toEqual([]);
  });

  test('applies what was added since, in the order of the names', async () => {
    await migrate();
    await writeMigration('3_third', 'alter table second add column added int');
    await writeMigration('2_second', 'create table second (id int)');
    expect(await migrate()).toEqual(['2_second', '3_third']);
  });

  test('keeps bodies of functions whole', async () => {
    await writeMigration(
      '2_function',
      'create function two() returns int language plpgsql as $$ begin perform 1; return 2; end; $$;',
    );
    await migrate();
    expect((await client.query('select two()')).rows).toEqual([{ two: 2 }]);
  });

  test('undoes the whole of a migration that fails, keeps those before it, and may be repeated', async () => {
    await writeMigration('2_second', 'create table second (id int); select 1 / 0;');
    await expect(migrate()).rejects.toThrow('Migration 2_second failed: division by zero');
    expect(await tableExists('first')).toBe(true);
    expect(await tableExists('second')).toBe(false);
    await writeMigration('2_second', 'create table second (id int);');
    expect(await migrate()).toEqual(['2_second']);
  });

  test('undoes a migration whose entry in the history cannot be written', async () => {
    await migrate();
    await writeMigration('2_second', 'create table second (id int); drop table _prisma_migrations;');
    await expect(migrate()).rejects.toThrow('Migration 2_second failed');
    expect(await tableExists('second')).toBe(false);
    expect(await tableExists('_prisma_migrations')).toBe(true);
  });

  test('refuses a migration that was changed after it was applied', async () => {
    await migrate();
    await writeMigration('1_first', 'create table first (id int); -- changed');
    await writeMigration('2_second', 'create table second (id int)');
    await expect(migrate()).rejects.toThrow('Migration 1_first was changed after it was applied');
    expect(await tableExists('second')).toBe(false);
  });

  test('leaves a database alone that is newer than the program', async () => {
    await writeMigration('20260102000000_second', 'create table second (id int)');
    await migrate();
    await stage.removeMigration('20260102000000_second');
    expect(await migrate()).toEqual([]);
    expect(await tableExists('second')).toBe(true);
  });

  test('refuses a newer database that lacks something, and one whose contract the program does not meet', async () => {
    await writeMigration('20260103000000_drop_needs_20260102000000', 'select 3');
    await migrate();
    await stage.removeMigration('20260103000000_drop_needs_20260102000000');
    await expect(migrate()).rejects.toThrow(
      'does not know migration 20260102000000. Run a version that knows it.',
    );
    await writeMigration('20260102000000_second', 'create table second (id int)');
    await expect(migrate()).rejects.toThrow(
      '(it has 20260103000000_drop_needs_20260102000000) and lacks 20260102000000_second. Run `npm run db:migrate`',
    );
    expect(await tableExists('second')).toBe(false);
  });

  test('refuses a contract while a process is connected that uses what it takes away', async () => {
    await migrate();
    await writeMigration('20260102000000_second', 'create table second (id int)');
    await writeMigration('20260103000000_drop_needs_20260102000000', 'drop table also_first');
    const connectAs = (name: string) =>
      client.query("select set_config('application_name', $1, false)", [name]);
    for (const name of ['vendor-server-worker 20260101000000', 'vendor-server-api']) {
      await connectAs(name);
      await expect(migrate()).rejects.toThrow(
        `(in pg_stat_activity: ${name}). Replace them by a version that knows`,
      );
    }
    expect([await tableExists('second'), await tableExists('also_first')]).toEqual([true, true]);
    await connectAs('vendor-server-api 20260102000000');
    await withClient(stage.url, async (other) => {
      await other.query("set application_name = 'somebody else 20260101000000'");
      expect(await migrate()).toEqual(['20260103000000_drop_needs_20260102000000']);
    });
    expect(await tableExists('also_first')).toBe(false);
  });

  test('refuses a half migrated database until somebody has settled it', async () => {
    await migrate();
    await writeMigration('2_second', 'create table second (id int)');
    await client.query(
      "insert into _prisma_migrations (id, checksum, migration_name) values ('an-id', 'a-checksum', '2_second')",
    );
    await expect(migrate()).rejects.toThrow('2_second was begun and not finished');
    await client.query("update _prisma_migrations set rolled_back_at = now() where id = 'an-id'");
    expect(await migrate()).toEqual(['2_second']);
  });

  test('of several runners at once one migrates and the others find it done', async () => {
    const applied = await Promise.all([migrate(), migrate(), migrate()]);
    expect(applied.flat()).toEqual(['1_first']);
  });

  test('a runner waits while another one migrates', async () => {
    await client.query('select pg_advisory_lock(72707369)');
    const running = migrate();
    await vi.waitFor(async () => {
      const { rowCount } = await client.query(
        `select from pg_stat_activity
          where datname = current_database() and application_name = 'vendor-server-migrate'
            and query like '%pg_try_advisory_lock%'`,
      );
      expect(rowCount).toBe(1);
    }, PATIENCE);
    expect(await tableExists('first')).toBe(false);
    await client.query('select pg_advisory_unlock(72707369)');
    expect(await running).toEqual(['1_first']);
  });
});

describe('assertDatabaseFits', () => {
  test('says of an empty database what to run', async () => {
    await expect(assertFits()).rejects.toThrow('(missing: 1_first). Run `npm run db:migrate`.');
  });

  test('names what is missing', async () => {
    await migrate();
    await writeMigration('2_second', 'select 2');
    await writeMigration('3_third', 'select 3');
    await expect(assertFits()).rejects.toThrow('(missing: 2_second, 3_third). Run `npm run db:migrate`.');
  });

  test.each(['drop schema bullmq cascade', 'delete from bullmq.migration where version > 1'])(
    'notices that the queue is not migrated after: %s',
    async (sql) => {
      await migrate();
      await client.query(sql);
      await expect(assertFits()).rejects.toThrow("(missing: the queue's schema). Run `npm run db:migrate`.");
    },
  );

  test('runs on a newer database, and names what is newer', async () => {
    await migrate();
    expect(await assertFits()).toEqual([]);
    await addToHistory('20260102000000_second');
    await addToHistory('20260103000000_drop_needs_1');
    expect(await assertFits()).toEqual(['20260102000000_second', '20260103000000_drop_needs_1']);
  });

  test('tells too new, changed and half migrated', async () => {
    await migrate();
    await addToHistory('20260103000000_drop_needs_20260102000000');
    await expect(assertFits()).rejects.toThrow(
      'too new for this version of the program: migration 20260103000000_drop_needs_20260102000000 took away',
    );
    await client.query("delete from _prisma_migrations where migration_name <> '1_first'");
    await client.query("update _prisma_migrations set checksum = 'other'");
    await expect(assertFits()).rejects.toThrow('1_first was changed');
    await client.query('update _prisma_migrations set finished_at = null');
    await expect(assertFits()).rejects.toThrow('1_first was begun and not finished');
  });

  test('tells a database that is away from one that does not fit', async () => {
    const pool = new pg.Pool({ connectionString: 'postgresql://nobody@127.0.0.1:1/nothing' });
    const error = await assertDatabaseFits(pool).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^The database cannot be reached: .*ECONNREFUSED/),
    });
    expect(isDatabaseUnavailable(error)).toBe(true);
    await pool.end();
  });

  test('accepts what migrateDatabase makes of the migrations that ship', async () => {
    await migrateDatabase(stage.url);
    const check = withClient(stage.url, (current) => assertDatabaseFits(current));
    await expect(check).resolves.toEqual([]);
  });
});
