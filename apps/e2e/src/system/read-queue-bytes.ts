import type { Redis } from 'ioredis';
import type pg from 'pg';

/** @returns what the queue takes: all memory of its Redis, or, with null, its table in PostgreSQL */
export async function readQueueBytes(pool: pg.Pool, redis: Redis | null): Promise<number> {
  if (redis !== null) return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const { rows } = await pool.query<{ bytes: number }>(
    `select pg_total_relation_size('bullmq.job') as bytes`,
  );
  return rows[0]?.bytes ?? 0;
}
