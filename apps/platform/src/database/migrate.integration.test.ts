import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEmptyTestDatabase, type EmptyTestDatabase } from '../testing/test-database.ts';
import { isDatabaseUnavailable } from './database-errors.ts';
import { assertDatabaseIsCurrent, migrateDatabase } from './migrate.ts';
import { withClient } from './with-client.ts';

let database: EmptyTestDatabase;
let directory: string;
let client: pg.Client;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-migrations-'));
  database = await createEmptyTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await writeMigration('1_first', 'create table first (id int); create table also_first (id int);');
});
afterEach(async () => {
  await client.end();
  await database.drop();
  await rm(directory, { recursive: true });
});

async function writeMigration(name: string, sql: string): Promise<void> {
  await mkdir(path.join(directory, name), { recursive: true });
  await writeFile(path.join(directory, name, 'migration.sql'), sql);
}

const migrate = () => migrateDatabase(database.url, directory);
const assertIsCurrent = () => assertDatabaseIsCurrent(client, directory);

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
    await assertIsCurrent();
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

  test('refuses a database that is newer than the program', async () => {
    await writeMigration('2_second', 'create table second (id int)');
    await migrate();
    await rm(path.join(directory, '2_second'), { recursive: true });
    await expect(migrate()).rejects.toThrow('does not know migration 2_second');
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
        `select from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(rowCount).toBe(1);
    });
    expect(await tableExists('first')).toBe(false);
    await client.query('select pg_advisory_unlock(72707369)');
    expect(await running).toEqual(['1_first']);
  });
});

describe('assertDatabaseIsCurrent', () => {
  test('says of an empty database what to run', async () => {
    await expect(assertIsCurrent()).rejects.toThrow('(missing: 1_first). Run `npm run db:migrate`.');
  });

  test('names what is missing', async () => {
    await migrate();
    await writeMigration('2_second', 'select 2');
    await writeMigration('3_third', 'select 3');
    await expect(assertIsCurrent()).rejects.toThrow(
      '(missing: 2_second, 3_third). Run `npm run db:migrate`.',
    );
  });

  test.each(['drop schema bullmq cascade', 'delete from bullmq.migration where version > 1'])(
    'notices that the queue is not migrated after: %s',
    async (sql) => {
      await migrate();
      await client.query(sql);
      await expect(assertIsCurrent()).rejects.toThrow(
        "(missing: the queue's schema). Run `npm run db:migrate`.",
      );
    },
  );

  test('tells newer, changed and half migrated', async () => {
    await migrate();
    await client.query("update _prisma_migrations set migration_name = '9_later'");
    await expect(assertIsCurrent()).rejects.toThrow('does not know migration 9_later');
    await client.query("update _prisma_migrations set migration_name = '1_first', checksum = 'other'");
    await expect(assertIsCurrent()).rejects.toThrow('1_first was changed');
    await client.query('update _prisma_migrations set finished_at = null');
    await expect(assertIsCurrent()).rejects.toThrow('1_first was begun and not finished');
  });

  test('tells a database that is away from one that does not fit', async () => {
    const pool = new pg.Pool({ connectionString: 'postgresql://nobody@127.0.0.1:1/nothing' });
    const error = await assertDatabaseIsCurrent(pool).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^The database cannot be reached: .*ECONNREFUSED/),
    });
    expect(isDatabaseUnavailable(error)).toBe(true);
    await pool.end();
  });

  test('accepts what migrateDatabase makes of the migrations that ship', async () => {
    await migrateDatabase(database.url);
    const check = withClient(database.url, (current) => assertDatabaseIsCurrent(current));
    await expect(check).resolves.toBeUndefined();
  });
});
