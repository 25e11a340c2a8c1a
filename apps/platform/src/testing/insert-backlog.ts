import type pg from 'pg';
import { insertEndpoint } from './delivery-fixtures.ts';

export interface BacklogFixture {
  /** How many endpoints they are spread over, evenly. */
  readonly endpoints: number;
  readonly delivered: number;
  readonly waiting: number;
  readonly blocked: number;
  readonly queued: number;
}

/**
 * Deliveries by the hundred thousand, due and opened a minute ago. Their orders and changes are left out: nothing
 * that looks at backlogs looks at them.
 */
export async function insertBacklog(pool: pg.Pool, fixture: BacklogFixture): Promise<string[]> {
  const endpointIds: string[] = [];
  for (let at = 0; at < fixture.endpoints; at += 1) {
    endpointIds.push((await insertEndpoint(pool)).endpointId);
  }
  const client = await pool.connect();
  try {
    await client.query(`set session_replication_role = 'replica'`);
    for (const state of ['delivered', 'waiting', 'blocked', 'queued'] as const) {
      await client.query(
        `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                                 changed_at, state, generation, due_at, opened_at, job_due_at, finished_at)
         select new_id(), repeat('0', 24), new_id(), new_id(), 1, ($1::char(24)[])[1 + i % $2], now(), $3::text, 1,
                now() - interval '1 min', now() - interval '1 min', case $3 when 'queued' then now() end,
                case $3 when 'delivered' then now() end
           from generate_series(1, $4::int) i`,
        [endpointIds, endpointIds.length, state, fixture[state]],
      );
    }
  } finally {
    await client.query(`set session_replication_role = 'origin'`);
    client.release();
  }
  return endpointIds;
}
