/** Rows that tests of the delivery begin with, inserted directly: whatever state a test needs, it can have. */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { EndpointMode } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { SqlExecutor } from '../database/sql-executor.ts';
import { createId } from '../ids/create-id.ts';

export interface EndpointFixture {
  readonly customerServerId: string;
  readonly endpointId: string;
}

export interface EndpointOptions {
  /** Default: a customer server of its own. */
  readonly customerServerId?: string;
  readonly url?: string;
  readonly state?: 'active' | 'paused' | 'disabled';
  /** At 0 it is broken, and probed a second from now. */
  readonly window?: number;
  readonly mode?: EndpointMode;
  readonly deleted?: boolean;
  readonly timeoutMs?: number;
  readonly retryDelaysMs?: readonly number[];
  /** Default: a text that no secret box can open. */
  readonly sealSigningSecret?: (endpointId: string) => string;
}

export async function insertCustomerServer(executor: SqlExecutor): Promise<string> {
  const id = createId();
  await executor.query(
    `insert into customer_servers (id, name, secret_hash, secret_ciphertext) values ($1, 'Test server', $2, 'sealed')`,
    [id, id],
  );
  return id;
}

export async function insertEndpoint(
  executor: SqlExecutor,
  options: EndpointOptions = {},
): Promise<EndpointFixture> {
  const customerServerId = options.customerServerId ?? (await insertCustomerServer(executor));
  const endpointId = createId();
  await executor.query(
    `insert into webhook_endpoints (id, customer_server_id, url, state, "window", deleted_at, timeout_ms,
                                    own_retry_delays, retry_delays_ms, signing_secret_ciphertext, mode,
                                    broken_since, next_probe_at, probe_cooldown_ms)
     values ($1, $2, $3, $4, $5, case when $6 then now() end, $7, $8, $9, $10, $11,
             case when $5 = 0 then now() end, case when $5 = 0 then now() + interval '1 second' end,
             case when $5 = 0 then 1000 end)`,
    [
      endpointId,
      customerServerId,
      options.url ?? 'http://127.0.0.1:9/hook',
      options.state ?? 'active',
      options.window ?? 16,
      options.deleted ?? false,
      options.timeoutMs ?? null,
      options.retryDelaysMs !== undefined,
      options.retryDelaysMs ?? [],
      options.sealSigningSecret?.(endpointId) ?? 'sealed',
      options.mode ?? 'every_step',
    ],
  );
  return { customerServerId, endpointId };
}

export interface OrderFixture {
  readonly orderId: string;
  /** In the order of their versions, which count from 1. */
  readonly deliveryIds: readonly string[];
}

const STATUSES = ['pending', 'assigned', 'in_progress'] as const;

/**
 * An order with one change, and one delivery of it to `endpoint`, for each of `states`; with none, an order of
 * version 1 that the endpoint was not told of. What is `queued` is of generation 1, unclaimed and due.
 */
export async function insertOrder(
  executor: SqlExecutor,
  { customerServerId, endpointId }: EndpointFixture,
  states: readonly DeliveryState[],
): Promise<OrderFixture> {
  const orderId = createId();
  const version = Math.max(states.length, 1);
  const statusOf = (of: number) => STATUSES[of === 1 ? 0 : 1 + (of % 2)];
  await executor.query(
    `insert into orders (id, customer_server_id, customer_id, status, version, status_actor_type, fare,
                         payment_method, pickup_address, pickup_longitude, pickup_latitude, drop_address,
                         drop_longitude, drop_latitude, items, created_at, updated_at)
     values ($1, $2, 'customer-1', $3, $4, 'customer_server', 100, 'cod', 'Pickup', 77.1, 28.7, 'Drop', 77.2,
             28.8, '[]', date_trunc('milliseconds', now()), date_trunc('milliseconds', now()))`,
    [orderId, customerServerId, statusOf(version), version],
  );
  const deliveryIds: string[] = [];
  for (let at = 1; at <= version; at += 1) {
    const transitionId = createId();
    await executor.query(
      `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                      actor_type, changed_at, body)
       values ($1, $2, $3, $4, $5, $6, 'customer_server', now(), $7)`,
      [
        transitionId,
        orderId,
        customerServerId,
        at,
        at === 1 ? null : statusOf(at - 1),
        statusOf(at),
        JSON.stringify({ orderId, version: at }),
      ],
    );
    const state = states[at - 1];
    if (state === undefined) continue;
    const deliveryId = createId();
    await executor.query(
      `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state, generation, job_due_at, finished_at, replaces_older)
       select $1, $2, $3, $4, $5, id, now(), $7::text, case when $7 = 'queued' then 1 else 0 end,
              case when $7 = 'queued' then clock_timestamp() end,
              case when $7 not in ('blocked', 'waiting', 'queued') then now() end, mode = 'latest_only'
         from webhook_endpoints where id = $6`,
      [deliveryId, customerServerId, transitionId, orderId, at, endpointId, state],
    );
    deliveryIds.push(deliveryId);
  }
  return { orderId, deliveryIds };
}

export interface DeliveryRow {
  readonly id: string;
  readonly version: number;
  readonly state: DeliveryState;
  readonly generation: number;
  readonly attemptCount: number;
  readonly budgetUsed: number;
  readonly interruptedCount: number;
  readonly claimToken: string | null;
  readonly lastOutcome: string | null;
  readonly lastError: string | null;
  /** From now until it is due, in milliseconds; negative when it is. */
  readonly dueInMs: number;
}

/** The deliveries of an order, over all endpoints, by version. */
export async function readDeliveries(executor: SqlExecutor, orderId: string): Promise<DeliveryRow[]> {
  const { rows } = await executor.query<DeliveryRow>(
    `select id, order_version as version, state, generation, attempt_count as "attemptCount",
            budget_used as "budgetUsed", interrupted_count as "interruptedCount", claim_token as "claimToken",
            last_outcome as "lastOutcome", last_error as "lastError",
            (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as "dueInMs"
       from deliveries where order_id = $1 order by order_version, endpoint_id`,
    [orderId],
  );
  return rows;
}

/** Their states alone, by version. */
export async function readStates(executor: SqlExecutor, orderId: string): Promise<DeliveryState[]> {
  return (await readDeliveries(executor, orderId)).map(({ state }) => state);
}

export interface AttemptRow {
  readonly number: number;
  readonly trigger: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly responseStatus: number | null;
  readonly responseExcerpt: string | null;
  readonly error: string | null;
}

export async function readAttempts(executor: SqlExecutor, deliveryId: string): Promise<AttemptRow[]> {
  const { rows } = await executor.query<AttemptRow>(
    `select attempt_number as number, trigger, started_at as "startedAt", ended_at as "endedAt", outcome,
            reason, response_status as "responseStatus", response_excerpt as "responseExcerpt", error
       from delivery_attempts where delivery_id = $1 order by attempt_number`,
    [deliveryId],
  );
  return rows;
}

/** Removes what other tests of the file left behind; for tests of what looks at every row. */
export async function emptyDatabase(executor: SqlExecutor): Promise<void> {
  // Not `truncate`, which makes new files: for a few rows that takes a hundred times as long.
  await executor.query(`
    delete from deliveries; delete from orders; delete from webhook_endpoints; delete from customer_servers;
    delete from vendors`);
}
