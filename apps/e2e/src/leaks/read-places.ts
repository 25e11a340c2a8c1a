/** Everything that is kept or shown, as text, by where it is. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { Redis } from 'ioredis';

type Places = Record<string, string>;

/** Every row of every table, the queue's and the ciphertexts included. */
export async function readTables(executor: SqlExecutor): Promise<Places> {
  const { rows } = await executor.query<{ schema: string; name: string }>(
    `select schemaname as schema, tablename as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const places: Places = {};
  for (const { schema, name } of rows) {
    const table = await executor.query<{ row: unknown }>(
      `select to_jsonb(t) as row from "${schema}"."${name}" t`,
    );
    places[`table ${schema}.${name}`] = table.rows.map(({ row }) => JSON.stringify(row)).join('\n');
  }
  return places;
}

/** Every key of the queue's database with its value. */
export async function readRedis(url: string): Promise<Places> {
  const redis = new Redis(url);
  try {
    const values: string[] = [];
    for (const key of await redis.keys('*')) values.push(key, JSON.stringify(await readValue(redis, key)));
    return { Redis: values.join('\n') };
  } finally {
    redis.disconnect();
  }
}

async function readValue(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return null;
  }
}
