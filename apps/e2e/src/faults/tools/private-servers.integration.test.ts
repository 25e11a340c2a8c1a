/** That what is done to a server of one's own has really happened to it, and is over when it should be. */
import { setTimeout as delay } from 'node:timers/promises';
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPrivatePostgres, type PrivatePostgres } from '../../system/create-private-postgres.ts';
import { createPrivateRedis, type PrivateRedis } from '../../system/create-private-redis.ts';
import { holdDeliveries, holdNewestOrders } from './hold-lock.ts';
import { terminateConnections } from './terminate-connections.ts';

/** Long enough to say that no answer comes. */
const NO_ANSWER_MS = 200;
/** What a client says of a connection that was cut, depending on when it notices. */
const LOST = /terminat|connection|ECONN|max retries/i;
const noAnswer = () => delay(NO_ANSWER_MS, 'no answer');

describe('a PostgreSQL of one’s own', () => {
  let postgres: PrivatePostgres;

  beforeAll(async () => {
    postgres = await createPrivatePostgres();
    await postgres.subject.database.pool.query('create table notes (text text)');
  });
  afterAll(() => postgres.subject.drop());

  const query = <Row extends object>(sql: string) => postgres.subject.database.pool.query<Row>(sql);

  test('crashes with everything open, and starts again where it was with what had committed', async () => {
    await query(`insert into notes values ('committed')`);
    const open = await postgres.subject.database.pool.connect();
    await open.query('begin');
    await open.query(`insert into notes values ('open')`);
    await postgres.crash();
    await expect(open.query('commit')).rejects.toThrow(LOST);
    open.release(true);
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED');

    await postgres.start();
    expect((await query('select text from notes')).rows).toEqual([{ text: 'committed' }]);
  });

  test('hangs with connections old and new, and answers all of them when it goes on', async () => {
    const held = await postgres.subject.database.pool.connect();
    await postgres.hang();
    const answers = Promise.all([held.query('select 1'), query('select 1')]);
    expect(await Promise.race([answers, noAnswer()])).toBe('no answer');
    await postgres.resume();
    expect(await answers).toHaveLength(2);
    held.release();
  });

  test('ends the connections of the processes and nobody else’s', async () => {
    const { pool } = postgres.subject.database;
    const named = await pool.connect();
    const other = await pool.connect();
    await named.query(`set application_name = 'vendor-server-worker'`);
    expect(await terminateConnections(pool)).toBe(1);
    await expect(named.query('select 1')).rejects.toThrow(LOST);
    await expect(other.query('select 1')).resolves.toBeDefined();
    named.release(true);
    other.release();
  });

  test('lets nobody pass a lock until it is let go', async () => {
    const { url, database } = postgres.subject;
    const { pool } = database;
    const lock = await holdDeliveries(url);
    const read = query('select 1 from deliveries');
    expect(await Promise.race([read, noAnswer()])).toBe('no answer');
    await lock.letGo();
    await read;

    const { orderId } = await insertOrder(pool, await insertEndpoint(pool), []);
    const forgotten = await holdNewestOrders(url, 2);
    expect(forgotten.rows).toBe(1);
    const change = pool.query(`update orders set customer_notes = 'changed' where id = $1`, [orderId]);
    expect(await Promise.race([change, noAnswer()])).toBe('no answer');
    await forgotten.letGo();
    expect(await change).toMatchObject({ rowCount: 1 });
  });
});

describe.skipIf(testRedisUrl() === null)('a Redis of one’s own', () => {
  let redis: PrivateRedis;
  let client: Redis;

  beforeAll(async () => {
    redis = await createPrivateRedis();
    await redis.start();
    client = new Redis(redis.url, { maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });

  test('has no memory left: writes are refused, reads are answered, until it has some again', async () => {
    await client.set('kept', '1');
    await redis.fillMemory();
    await expect(client.set('refused', '1')).rejects.toThrow('OOM');
    expect(await client.get('kept')).toBe('1');
    await redis.freeMemory();
    await expect(client.set('refused', '1')).resolves.toBe('OK');
  });

  test('pauses, and answers afterwards what it was asked meanwhile', async () => {
    await redis.pause(2 * NO_ANSWER_MS);
    const answer = client.set('paused', '1');
    expect(await Promise.race([answer, noAnswer()])).toBe('no answer');
    expect(await answer).toBe('OK');
  });

  test('is killed and comes back empty', async () => {
    await client.set('lost', '1');
    await redis.kill();
    await expect(client.get('lost')).rejects.toThrow(LOST);
    await redis.start();
    await vi.waitFor(async () => expect(await client.get('lost')).toBeNull());
  });
});
