/** Hundreds of thousands of deliveries that are over, for tests of what they cost. */
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import type pg from 'pg';

const PARTS = 8;
const NOTHING = { delivered: 0, waiting: 0, blocked: 0, queued: 0 };

/**
 * Inserts so many, without their orders and changes, and builds the indexes anew afterwards: in a tenth of the time that
 * it takes row by row.
 *
 * @returns their endpoints
 */
export async function insertFinished(pool: pg.Pool, count: number): Promise<string[]> {
  const { rows: indexes } = await pool.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
      where tablename = 'deliveries' and indexname <> 'deliveries_pkey'`,
  );
  for (const { name } of indexes) await pool.query(`drop index ${name}`);
  const endpointIds: string[] = [];
  // In parts: the time of a statement is limited.
  for (let part = 0; part < PARTS; part += 1) {
    endpointIds.push(...(await insertBacklog(pool, { ...NOTHING, endpoints: 3, delivered: count / PARTS })));
  }
  for (const { definition } of indexes) await pool.query(definition);
  return endpointIds;
}

/** A change and an attempt of `count` that are in the state: what works on deliveries joins both by their keys. */
export async function insertHistory(pool: pg.Pool, state: string, count: number): Promise<void> {
  await withoutForeignKeys(pool, async (client) => {
    await client.query(
      `insert into order_transitions (id, order_id, customer_server_id, version, to_status, actor_type, changed_at, body)
       select transition_id, order_id, customer_server_id, 1, 'pending', 'customer_server', changed_at, '{}'
         from deliveries where state = $1 limit $2`,
      [state, count],
    );
    await client.query(
      `insert into delivery_attempts (delivery_id, attempt_number, trigger, claim_token)
       select id, 1, 'first', 'token' from deliveries where state = $1 limit $2`,
      [state, count],
    );
  });
}

/** `count` orders; every tenth is open, the others were over long ago. */
export async function insertOrders(pool: pg.Pool, count: number): Promise<void> {
  await withoutForeignKeys(pool, (client) =>
    client.query(
      `insert into orders (id, customer_server_id, customer_id, status, version, status_actor_type, fare,
                           payment_method, pickup_address, pickup_longitude, pickup_latitude, drop_address,
                           drop_longitude, drop_latitude, items, created_at, updated_at, completed_at)
       select new_id(), repeat('0', 24), 'customer-1', case when n % 10 = 0 then 'accepted' else 'completed' end, 1,
              'customer_server', 100, 'cod', 'Pickup', 77.1, 28.7, 'Drop', 77.2, 28.8, '[]', now(),
              now() - interval '1 year' + n * interval '1 second', now()
         from generate_series(1, $1::int) n`,
      [count],
    ),
  );
}

/** `count` vendors, of whom so many are online. */
export async function insertVendors(pool: pg.Pool, count: number, online: number): Promise<void> {
  await pool.query(
    `insert into vendors (id, vendor_name, online_until)
     select new_id(), 'Vendor', case when n <= $2 then now() + interval '1 hour' else now() - n * interval '1 min' end
       from generate_series(1, $1::int) n`,
    [count, online],
  );
}

/** The customer server to whom it all belongs; its changes so far have their places in the feed. */
export async function insertTenant(pool: pg.Pool, id: string): Promise<void> {
  await pool.query(
    `insert into customer_servers (id, name, secret_hash, secret_ciphertext) values ($1, 'Tenant', 'hash', 'sealed')`,
    [id],
  );
  await pool.query(`update order_transitions set feed_position = nextval('feed_position_seq')`);
}

/** So many of each of the rest that retention removes; all are from now. */
export async function insertKept(pool: pg.Pool, count: number): Promise<void> {
  await withoutForeignKeys(pool, async (client) => {
    await client.query(
      `insert into idempotency_keys (customer_server_id, key, body_hash)
       select repeat('0', 24), n, 'hash' from generate_series(1, $1::int) n`,
      [count],
    );
    await client.query(
      `insert into offer_declines (order_id, vendor_id)
       select id, repeat('0', 24) from orders where status = 'completed' limit $1`,
      [count],
    );
    await client.query(
      `insert into replays (id, customer_server_id, since, until, states, state, finished_at)
       select new_id(), repeat('0', 24), now(), now(), '{}', 'completed', now() from generate_series(1, $1::int)`,
      [count],
    );
  });
}

/** Runs it on a connection for which there are no foreign keys. */
export async function withoutForeignKeys<Result>(
  pool: pg.Pool,
  run: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query(`set session_replication_role = 'replica'`);
    return await run(client);
  } finally {
    await client.query(`set session_replication_role = 'origin'`);
    client.release();
  }
}
