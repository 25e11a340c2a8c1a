import type { PostgresConnectionOptions } from 'bullmq';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { openOnPostgres } from './postgres-queue-connection.ts';

interface PoolAsBullmqSeesIt {
  query(text: string): Promise<unknown>;
  connect(): Promise<unknown>;
}

/** A pool that fails like this whatever it is asked; it remembers whether it was ended. */
function createFailingPool(error: Error) {
  let isEnded = false;
  const pool = {
    options: {},
    query: async () => Promise.reject(error),
    connect: async () => Promise.reject(error),
    async end() {
      isEnded = true;
    },
  } as unknown as pg.Pool;
  return { pool, wasEnded: () => isEnded };
}

async function open(pool: pg.Pool): Promise<PoolAsBullmqSeesIt> {
  let seen: PostgresConnectionOptions | null = null;
  await openOnPostgres(pool, (connection) => {
    seen = connection;
    return { waitUntilReady: async () => undefined, close: async () => undefined };
  });
  return seen as unknown as PoolAsBullmqSeesIt;
}

test.each([
  new Error('Connection terminated unexpectedly'),
  Object.assign(new Error('the database system is starting up'), { code: '57P03' }),
  Object.assign(new Error('sorry, too many clients already'), { code: '53300' }),
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
])('an outage is told as the one that makes BullMQ pause: %s', async (error) => {
  const { pool } = createFailingPool(error);
  const seen = await open(pool);
  const told = { code: 'ECONNREFUSED', cause: error };
  await expect(seen.query('select 1')).rejects.toMatchObject(told);
  await expect(seen.connect()).rejects.toMatchObject(told);
});

test('any other error is told as it is', async () => {
  const error = Object.assign(new Error('relation "job" does not exist'), { code: '42P01' });
  const seen = await open(createFailingPool(error).pool);
  await expect(seen.query('select 1')).rejects.toBe(error);
});

test('what failed at its first contact is let go, with its pool', async () => {
  const { pool, wasEnded } = createFailingPool(new Error('unused'));
  const refusal = new Error('the first contact failed');
  let isClosed = false;
  const opening = openOnPostgres(pool, () => ({
    waitUntilReady: () => Promise.reject(refusal),
    async close() {
      isClosed = true;
    },
  }));
  await expect(opening).rejects.toBe(refusal);
  expect(isClosed).toBe(true);
  expect(wasEnded()).toBe(true);
});
