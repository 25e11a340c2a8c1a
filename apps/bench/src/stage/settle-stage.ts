import type pg from 'pg';
import type { Endpoint } from './backlog.ts';
import { emptyRedis } from './with-redis.ts';

const OVER = `update deliveries
    set state = 'delivered', last_outcome = 'acknowledged', last_response_status = 200, claim_token = null,
        claimed_until = null, job_due_at = null, finished_at = date_trunc('milliseconds', clock_timestamp())
  where endpoint_id = any ($1) and state in ('blocked', 'waiting', 'queued')`;

/** Endpoints as they are when nobody has sent them anything. */
const FORGET_HEALTH = `update webhook_endpoints set "window" = default, window_changed_at = default`;

/**
 * Ends everything that is open as if it had been delivered, and empties the queue: what a round begins with. Tables are
 * not emptied: like those of a system in use, they hold what is over.
 */
export async function settleStage(
  pool: pg.Pool,
  endpoints: readonly Endpoint[],
  redisUrl: string | null,
): Promise<void> {
  await endDeliveries(pool, endpoints);
  await pool.query(FORGET_HEALTH);
  if (redisUrl === null) {
    await pool.query('delete from bullmq.job');
  } else {
    await emptyRedis(redisUrl);
  }
}

export async function endDeliveries(pool: pg.Pool, endpoints: readonly Endpoint[]): Promise<void> {
  await pool.query(OVER, [endpoints.map(({ endpointId }) => endpointId)]);
}
