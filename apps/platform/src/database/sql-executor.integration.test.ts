import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { isDatabaseUnavailable, isTransientConflict } from './database-errors.ts';
import { retryTransient, withTransaction } from './sql-executor.ts';
import { withClient } from './with-client.ts';

let testDatabase: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  ({ pool } = testDatabase.database);
  await pool.query('create table counters (name text primary key, value int not null)');
});
afterAll(() => testDatabase.drop());
beforeEach(async () => {
  await pool.query("delete from counters; insert into counters values ('a', 0), ('b', 0)");
});

const increment = (client: pg.ClientBase, name: string) =>
  client.query('update counters set value = value + 1 where name = $1', [name]);

async function readCounters(): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; value: number }>('select name, value from counters');
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

describe('withTransaction', () => {
  test('commits what the function did and returns what it returned', async () => {
    const result = await withTransaction(pool, async (client) => {
      await increment(client, 'a');
      expect(await readCounters()).toMatchObject({ a: 0 });
      return 'done';
    });
    expect(result).toBe('done');
    expect(await readCounters()).toMatchObject({ a: 1 });
  });

  test("undoes everything and passes the error on, a statement's or any other", async () => {
    const failed = withTransaction(pool, async (client) => {
      await increment(client, 'a');
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    const refused = withTransaction(pool, async (client) => {
      await increment(client, 'a');
      await client.query("insert into counters values ('a', 0)");
    });
    await expect(refused).rejects.toThrow('duplicate key');
    expect(await readCounters()).toMatchObject({ a: 0 });
  });

  test('gives the same connection back after a rollback', async () => {
    const ownPool = new pg.Pool({ connectionString: testDatabase.url, max: 1 });
    const pidOf = async (client: pg.ClientBase) =>
      (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
    const first = await withTransaction(ownPool, pidOf);
    await withTransaction(ownPool, (client) => client.query('select 1 / 0')).catch(() => undefined);
    expect(await withTransaction(ownPool, pidOf)).toBe(first);
    await ownPool.end();
  });

  test('survives the loss of its connection between two statements, and does not reuse it', async () => {
    const lost = withTransaction(pool, async (client) => {
      await increment(client, 'a');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const ended = new Promise<void>((resolve) => {
        client.once('end', resolve);
      });
      await withClient(testDatabase.url, (other) =>
        other.query('select pg_terminate_backend($1)', [rows[0]?.pid]),
      );
      await ended;
      await increment(client, 'a');
    });
    const error = await lost.catch((thrown: unknown) => thrown);
    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(await readCounters()).toMatchObject({ a: 0 });
    expect(pool.totalCount - pool.idleCount).toBe(0);
  });
});

describe('retryTransient', () => {
  test('runs the victim of a deadlock again', async () => {
    // Both hold their first row before either asks for the other's.
    let holding = 0;
    const bothHold = vi.waitUntil(() => holding >= 2, { timeout: 10_000 });
    const tries = vi.fn();
    const incrementBoth = (first: string, second: string) =>
      retryTransient(() =>
        withTransaction(pool, async (client) => {
          tries();
          await increment(client, first);
          holding += 1;
          await bothHold;
          await increment(client, second);
        }),
      );
    await Promise.all([incrementBoth('a', 'b'), incrementBoth('b', 'a')]);
    expect(tries).toHaveBeenCalledTimes(3);
    expect(await readCounters()).toEqual({ a: 2, b: 2 });
  });

  test('gives up after three retries', async () => {
    const work = vi.fn(() => pool.query("do $$ begin raise sqlstate '40P01'; end $$"));
    const error = await retryTransient(work).catch((thrown: unknown) => thrown);
    expect(isTransientConflict(error)).toBe(true);
    expect(work).toHaveBeenCalledTimes(4);
  });

  test('runs nothing else twice', async () => {
    const work = vi.fn(() => pool.query('select 1 / 0'));
    await expect(retryTransient(work)).rejects.toThrow('division by zero');
    expect(work).toHaveBeenCalledOnce();
  });
});
