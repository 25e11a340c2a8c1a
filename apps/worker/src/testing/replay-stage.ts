/** Failed deliveries and replays over them, for tests of what works on replays. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  insertEndpoint,
  insertOrder,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { insertReplay, type ReplayOptions } from '@vendor-server/platform/testing/replay-fixtures.ts';

export function createReplayStage(executor: SqlExecutor) {
  /** Orders with one failed delivery each, a second apart, oldest first. */
  async function insertFailed(endpoint: EndpointFixture, count: number): Promise<string[]> {
    const orderIds: string[] = [];
    for (let n = 0; n < count; n += 1)
      orderIds.push((await insertOrder(executor, endpoint, ['failed'])).orderId);
    await executor.query(
      `update deliveries d set changed_at = now() - interval '10 minutes' + o.n * interval '1 second'
       from unnest($1::char(24)[]) with ordinality o(id, n) where d.order_id = o.id`,
      [orderIds],
    );
    return orderIds;
  }

  function replayOf(endpoint: EndpointFixture, options: Partial<ReplayOptions> = {}): Promise<string> {
    const { customerServerId, endpointId } = endpoint;
    return insertReplay(executor, { customerServerId, endpointIds: [endpointId], ...options });
  }

  /** The ids of the orders whose delivery is open again, in the order in which they were opened. */
  async function readOpen(): Promise<string[]> {
    const { rows } = await executor.query<{ orderId: string }>(
      `select order_id as "orderId" from deliveries
      where opened_by = 'replay' and finished_at is null order by changed_at`,
    );
    return rows.map(({ orderId }) => orderId);
  }

  async function end(orderIds: readonly string[], state: 'delivered' | 'failed'): Promise<void> {
    await executor.query(
      `update deliveries set state = $2, finished_at = now(), job_due_at = null
      where order_id = any ($1) and finished_at is null`,
      [orderIds, state],
    );
  }

  async function setUp(failed: number, options: EndpointOptions = {}) {
    const endpoint = await insertEndpoint(executor, options);
    return { endpoint, orderIds: await insertFailed(endpoint, failed) };
  }

  /** So many deliveries, each of an order of its own unless they have ended well. */
  async function insertMany(endpoint: EndpointFixture, count: number, state: 'failed' | 'delivered') {
    const { orderId } = await insertOrder(executor, endpoint, []);
    await executor.query(
      `with copied as (
         insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', lpad(to_hex(n), 24, '0')))).*
           from orders o, generate_series(1, case when $4 = 'failed' then $3::int else 0 end) n where o.id = $1
         returning id
       ), changed as (
         insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                        actor_type, changed_at, body)
         select 'f' || lpad(to_hex(n), 23, '0'), case when $4 = 'failed' then lpad(to_hex(n), 24, '0') else $1 end,
                $5, n + 1, 'pending', 'assigned', 'customer_server', now() - interval '10 minutes', '{}'
           from generate_series(1, $3::int) n
         returning id, order_id, version, changed_at
       )
       insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state, finished_at)
       select 'e' || lpad(to_hex(version), 23, '0'), $5, id, order_id, version - 1, $2, changed_at, $4, now()
         from changed`,
      [orderId, endpoint.endpointId, count, state, endpoint.customerServerId],
    );
    return orderId;
  }

  return { insertFailed, insertMany, replayOf, readOpen, end, setUp };
}
