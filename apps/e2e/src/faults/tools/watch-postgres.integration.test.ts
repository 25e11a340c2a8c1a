import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import { withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import { createTestDatabase, type TestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Caught, Point } from './create-traps.ts';
import { createWires, type Wires } from './create-wires.ts';

let subject: TestDatabase;
let wires: Wires;
/** What a process has, on the watched way. */
let watched: Database;

beforeAll(async () => {
  subject = await createTestDatabase();
  wires = await createWires(subject.url, null);
  watched = createDatabase({ url: wires.database.url, applicationName: 'watched', maxConnections: 4 });
  await subject.database.pool.query('create table notes (text text unique)');
});
afterAll(async () => {
  await watched.close();
  await wires.close();
  await subject.drop();
});
beforeEach(async () => {
  await subject.database.pool.query('truncate notes');
});

const write = (text: string) => ({
  name: 'write-note',
  text: 'insert into notes values ($1)',
  values: [text],
});

async function readNotes(): Promise<string[]> {
  const { rows } = await subject.database.pool.query<{ text: string }>('select text from notes order by 1');
  return rows.map(({ text }) => text);
}

const BEFORE: Point = { statement: /^write-note/, side: 'before' };
const AFTER: Point = { statement: /^write-note/, side: 'after' };

/** What `work` does at that point: caught, and whether it has ended. */
async function catchAt(point: Point, work: () => Promise<unknown>) {
  const trap = wires.catchAt(point);
  const outcome = work().then(() => 'done', String);
  const caught: Caught = await trap.sprung;
  return { caught, outcome };
}

/** Whether a promise is still pending after the connection of another one was used both ways. */
async function isPending(outcome: Promise<string>): Promise<boolean> {
  const first = await Promise.race([outcome, watched.pool.query('select 1').then(() => null)]);
  return first === null;
}

test('a statement is caught before it reaches the server, also when it was prepared long ago', async () => {
  await watched.pool.query(write('first'));
  const { caught, outcome } = await catchAt(BEFORE, () => watched.pool.query(write('second')));
  expect(await readNotes()).toEqual(['first']);
  expect(await isPending(outcome)).toBe(true);
  caught.release();
  expect(await outcome).toBe('done');
  expect(await readNotes()).toEqual(['first', 'second']);
});

test('what is cut before it reaches the server never does', async () => {
  const { caught, outcome } = await catchAt(BEFORE, () => watched.pool.query(write('lost')));
  caught.cut();
  expect(await outcome).toMatch('Connection terminated');
  expect(await readNotes()).toEqual([]);
});

test('a statement is caught when it has committed and before its sender knows', async () => {
  const { caught, outcome } = await catchAt(AFTER, () => watched.pool.query(write('kept')));
  expect(await readNotes()).toEqual(['kept']);
  expect(await isPending(outcome)).toBe(true);
  caught.cut();
  expect(await outcome).toMatch('Connection terminated');
  expect(await readNotes()).toEqual(['kept']);
});

test('a transaction is caught when it has committed, at none of its statements', async () => {
  let hasWritten = false;
  const { caught, outcome } = await catchAt(AFTER, () =>
    withTransaction(watched.pool, async (client) => {
      await client.query(write('in a transaction'));
      hasWritten = true;
      await client.query('select 1');
    }),
  );
  expect(hasWritten).toBe(true);
  expect(await readNotes()).toEqual(['in a transaction']);
  caught.release();
  expect(await outcome).toBe('done');
});

test('what fails or is rolled back is not caught, and does not take the trap', async () => {
  await watched.pool.query(write('there'));
  const { caught, outcome } = await catchAt(AFTER, async () => {
    await expect(watched.pool.query(write('there'))).rejects.toThrow('duplicate key');
    await expect(
      withTransaction(watched.pool, async (client) => {
        await client.query(write('rolled back'));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await watched.pool.query(write('committed'));
  });
  expect(await readNotes()).toEqual(['committed', 'there']);
  caught.release();
  expect(await outcome).toBe('done');
});

test('a trap catches one, on one connection; one that was disarmed catches nothing', async () => {
  wires.catchAt(BEFORE).disarm();
  const { caught, outcome } = await catchAt(BEFORE, () => watched.pool.query(write('held')));
  await watched.pool.query(write('another'));
  expect(await readNotes()).toEqual(['another']);
  caught.release();
  await outcome;
});

test('statements without a name are known by their text', async () => {
  const { caught, outcome } = await catchAt({ statement: /^insert into notes/, side: 'before' }, () =>
    watched.pool.query('insert into notes values ($1)', ['unnamed']),
  );
  expect(await readNotes()).toEqual([]);
  caught.release();
  expect(await outcome).toBe('done');
  expect(await readNotes()).toEqual(['unnamed']);
});
