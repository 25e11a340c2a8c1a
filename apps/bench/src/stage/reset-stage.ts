import { Redis } from 'ioredis';
import type pg from 'pg';

/** Everything that belongs to orders, in one statement: so the tables need not be emptied in any order. */
const EMPTY_TABLES = `truncate orders, order_transitions, deliveries, delivery_attempts, offer_declines, idempotency_keys,
  replays cascade`;

/** Endpoints as they are when nobody has sent them anything. */
const FORGET_HEALTH = `update webhook_endpoints set "window" = default, window_changed_at = default`;

/** Back to a system that has its customers and vendors, and has never had an order. */
export async function resetStage(pool: pg.Pool, redisUrl: string | null): Promise<void> {
  await pool.query(EMPTY_TABLES);
  await pool.query(FORGET_HEALTH);
  if (redisUrl === null) {
    await pool.query('truncate bullmq.job cascade');
  } else {
    const client = new Redis(redisUrl);
    // It was empty before the bench, and nobody else is to use it.
    await client.flushdb();
    client.disconnect();
  }
}
