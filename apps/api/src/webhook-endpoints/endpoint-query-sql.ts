/** Reads endpoints, without the deleted ones, with what is known of their health. */
import type { EndpointHealthState } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import { STRUGGLING_AFTER_FAILURES } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import type { EndpointMode, EndpointState } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type Page, type PageRequest, toPage } from '../plugins/paging.ts';

export interface StoredEndpointRow {
  readonly endpointId: string;
  readonly customerServerId: string;
  readonly customerServerName: string;
  readonly url: string;
  /** Null means all. */
  readonly statuses: OrderStatus[] | null;
  readonly mode: EndpointMode;
  readonly retryDelaysMs: number[] | null;
  readonly timeoutMs: number | null;
  readonly sendSharedSecret: boolean;
  readonly state: EndpointState;
  readonly stateReason: string | null;
  readonly stateChangedAt: Date;
  readonly window: number;
  readonly consecutiveFailures: number;
  readonly failingSince: Date | null;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  readonly lastFailureReason: string | null;
  readonly brokenSince: Date | null;
  readonly nextProbeAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Deliveries that have not ended, at most `MAX_COUNTED` of them. */
  readonly pending: number;
  readonly pendingCapped: boolean;
  /** The oldest change among the counted ones. */
  readonly oldestPendingAt: Date | null;
  /** When the first of those that wait was due, or will be. */
  readonly oldestDueAt: Date | null;
  /** The time of all this, by the database's clock. */
  readonly readAt: Date;
}

/** A backlog is counted this far: enough to see that there is one, and never a scan of it. */
const MAX_COUNTED = 1_000;

/**
 * Of every kind of open delivery as many as are counted, from the partial index of each. Lane heads hold the
 * oldest changes (what is `blocked` is newer than its head), so up to the limit `oldestPendingAt` is exact;
 * beyond it, it is the oldest of those that go next.
 */
const BACKLOG = `
  select least(count(*), ${MAX_COUNTED}) as pending, count(*) > ${MAX_COUNTED} as "pendingCapped",
         min(changed_at) as "oldestPendingAt", min(due_at) as "oldestDueAt"
    from ((select changed_at, null::timestamptz as due_at from deliveries
            where endpoint_id = e.id and state = 'queued' limit ${MAX_COUNTED + 1})
          union all
          (select changed_at, due_at from deliveries where endpoint_id = e.id and state = 'waiting'
            order by due_at, id limit ${MAX_COUNTED + 1})
          union all
          (select changed_at, null from deliveries where endpoint_id = e.id and state = 'blocked'
            order by order_id, order_version limit ${MAX_COUNTED + 1})) open`;

/** @param endpoints a select of `webhook_endpoints` rows in their order: each one's backlog is looked at */
function selectEndpoints(endpoints: string, order: string): string {
  return `
    select e.id as "endpointId", e.customer_server_id as "customerServerId", s.name as "customerServerName",
           e.url, case when not e.all_statuses then e.statuses end as statuses, e.mode,
           case when e.own_retry_delays then e.retry_delays_ms end as "retryDelaysMs",
           e.timeout_ms as "timeoutMs", e.send_shared_secret as "sendSharedSecret", e.state,
           e.state_reason as "stateReason", e.state_changed_at as "stateChangedAt", e."window",
           e.consecutive_failures as "consecutiveFailures", e.failing_since as "failingSince",
           e.last_success_at as "lastSuccessAt", e.last_failure_at as "lastFailureAt",
           e.last_failure_reason as "lastFailureReason", e.broken_since as "brokenSince",
           e.next_probe_at as "nextProbeAt", clock_timestamp() as "readAt",
           e.created_at as "createdAt", e.updated_at as "updatedAt", backlog.*
      from (${endpoints}) e
      join customer_servers s on s.id = e.customer_server_id
     cross join lateral (${BACKLOG}) backlog
     order by ${order}`;
}

export async function findEndpointForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  endpointId: string,
): Promise<StoredEndpointRow | null> {
  const { rows } = await executor.query<StoredEndpointRow>({
    name: 'find-endpoint-for-customer-server',
    text: selectEndpoints(
      'select * from webhook_endpoints where id = $2 and customer_server_id = $1 and deleted_at is null',
      'e.id',
    ),
    values: [customerServerId, endpointId],
  });
  return rows[0] ?? null;
}

/** Anybody's endpoint: for operators. */
export async function findAnyEndpoint(
  executor: SqlExecutor,
  endpointId: string,
): Promise<StoredEndpointRow | null> {
  const { rows } = await executor.query<StoredEndpointRow>({
    name: 'find-any-endpoint',
    text: selectEndpoints('select * from webhook_endpoints where id = $1 and deleted_at is null', 'e.id'),
    values: [endpointId],
  });
  return rows[0] ?? null;
}

/** What endpoints are searched by; absent means any. */
export interface EndpointFilter {
  readonly state?: EndpointHealthState | undefined;
  readonly customerServerId?: string | undefined;
}

/**
 * `decideHealthState` as conditions. All but `healthy`, which most are, fit a partial index: an endpoint that
 * fails has `failing_since`, and the others are told by what their index is of.
 */
const HEALTH_CONDITIONS = {
  healthy: `state = 'active' and "window" > 0 and consecutive_failures < ${STRUGGLING_AFTER_FAILURES}`,
  struggling: `state = 'active' and "window" > 0 and failing_since is not null
               and consecutive_failures >= ${STRUGGLING_AFTER_FAILURES}`,
  broken: `state = 'active' and "window" = 0`,
  paused: `state = 'paused'`,
  disabled: `state = 'disabled'`,
} as const satisfies Record<EndpointHealthState, string>;

/** One customer server's endpoints, newest first. */
export function listEndpointsForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  page: PageRequest,
): Promise<Page<StoredEndpointRow>> {
  return listEndpoints(executor, { customerServerId }, page);
}

/** Everybody's endpoints, newest first: for operators. */
export function listAllEndpoints(
  executor: SqlExecutor,
  filter: EndpointFilter,
  page: PageRequest,
): Promise<Page<StoredEndpointRow>> {
  return listEndpoints(executor, filter, page);
}

async function listEndpoints(
  executor: SqlExecutor,
  filter: EndpointFilter,
  { limit, after }: PageRequest,
): Promise<Page<StoredEndpointRow>> {
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const conditions = [
    'deleted_at is null',
    filter.state !== undefined && HEALTH_CONDITIONS[filter.state],
    filter.customerServerId !== undefined && `customer_server_id = ${parameter(filter.customerServerId)}`,
    after !== null && `(created_at, id) < (${parameter(after.at)}, ${parameter(after.id)}::char(24))`,
  ].filter((condition) => condition !== false);
  const { rows } = await executor.query<StoredEndpointRow>({
    text: selectEndpoints(
      `select * from webhook_endpoints where ${conditions.join(' and ')}
        order by created_at desc, id desc limit ${parameter(limit + 1)}`,
      'e.created_at desc, e.id desc',
    ),
    values,
  });
  return toPage(rows, limit, ({ createdAt, endpointId }) => ({ at: createdAt, id: endpointId }));
}
