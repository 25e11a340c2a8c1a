import { randomBytes } from 'node:crypto';
import { withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import type pg from 'pg';

export interface ChangesFixture {
  readonly customerServerId: string;
  /** Each is told of every change. */
  readonly endpointIds: readonly string[];
  /** How many changes there are, in orders of four each. */
  readonly count: number;
  /** Of each body, about. */
  readonly bodyBytes?: number;
}

/** Of each order: so three of four wait behind the first. */
const VERSIONS = 4;
/** As a service order's. */
const ORDINARY_BODY_BYTES = 1_000;

/**
 * Changes that committed before anybody looked: complete orders, their changes in the feed, and a delivery of each to
 * every endpoint, the first of an order `waiting` and due, the others `blocked`. The relay finds them.
 */
export async function insertChanges(pool: pg.Pool, fixture: ChangesFixture): Promise<void> {
  const { customerServerId, endpointIds, count, bodyBytes = ORDINARY_BODY_BYTES } = fixture;
  if (count % VERSIONS !== 0) throw new RangeError(`${count} changes are no whole number of orders`);
  await withTransaction(pool, async (client) => {
    // Foreign keys hold by construction; to check them takes most of the time.
    await client.query(`set local session_replication_role = 'replica'`);
    await client.query(`set local statement_timeout = 0`);
    await client.query(
      `create temporary table inserted_changes on commit drop as
       select new_id() as transition_id, o.id as order_id, v as version
         from (select new_id() as id from generate_series(1, $1::int)) o, generate_series(1, $2::int) v`,
      [count / VERSIONS, VERSIONS],
    );
    await client.query(
      `insert into orders (id, customer_server_id, customer_id, status, version, status_actor_type, fare,
                           payment_method, pickup_address, pickup_longitude, pickup_latitude, drop_address,
                           drop_longitude, drop_latitude, items, created_at, updated_at)
       select order_id, $1, 'customer-1', 'assigned', version, 'customer_server', 100, 'cod', 'Pickup', 77.1,
              28.7, 'Drop', 77.2, 28.8, '[]', date_trunc('milliseconds', now()), date_trunc('milliseconds', now())
         from inserted_changes where version = $2::int`,
      [customerServerId, VERSIONS],
    );
    await client.query(
      `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status, actor_type,
                                      changed_at, feed_position, body)
       select transition_id, order_id, $1, version, case when version > 1 then 'pending' end,
              case when version = 1 then 'pending' else 'assigned' end, 'customer_server',
              now(), nextval('feed_position_seq'),
              json_build_object('orderId', order_id, 'version', version, 'padding', $2::text,
                                'updatedAt', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         from inserted_changes order by version, order_id`,
      [customerServerId, buildPadding(bodyBytes)],
    );
    // One endpoint after the other: a statement's time is limited.
    for (const endpointId of endpointIds) {
      await client.query(
        `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                                 changed_at, state, generation)
         select new_id(), $1, transition_id, order_id, version, $2, now(),
                case when version = 1 then 'waiting' else 'blocked' end, 0
           from inserted_changes order by version, order_id`,
        [customerServerId, endpointId],
      );
    }
  });
}

/** Text that cannot be compressed, as PostgreSQL does with what is long. */
function buildPadding(bytes: number): string {
  return randomBytes(bytes).toString('base64').slice(0, bytes);
}
