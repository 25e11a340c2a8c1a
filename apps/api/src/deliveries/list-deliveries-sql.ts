/**
 * Lists of deliveries. The history is long and what people look for in it is rare (three failures among a
 * million deliveries), so which index is walked is not left to luck:
 *
 * - An order has few deliveries, and an endpoint has an index of its own in the list's order.
 * - How a delivery ended, other than delivered, is in the partial index `deliveries_unsuccessful_idx`, by endpoint:
 *   a tenant's list merges those of its endpoints. Deliveries that go well never enter that index, so sending
 *   pays nothing for it.
 * - Open deliveries are in the partial indexes that delivering itself uses; those follow the backlog.
 * - Over all tenants there is no index in the list's order (every delivery would pay for it three times): one page
 *   of each customer server is read and the newest of all are kept, so the cost follows the number of customer
 *   servers and never the history.
 *
 * The state is part of the text, not a parameter: only then can PostgreSQL see that a partial index fits.
 */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type Page, type PageRequest, toPage } from '../plugins/paging.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, JOIN_CHANGE_AND_ENDPOINT } from './delivery-row-sql.ts';

/** What deliveries are searched by; absent means any. */
export interface DeliveryFilter {
  readonly state?: DeliveryState | undefined;
  readonly orderId?: string | undefined;
  readonly endpointId?: string | undefined;
  readonly customerServerId?: string | undefined;
  /** Of changes made then or later. */
  readonly since?: Date | undefined;
  /** Of changes made before then. */
  readonly until?: Date | undefined;
}

/** One customer server's deliveries, newest change first. Another's order or endpoint has none. */
export function listDeliveriesForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  filter: Omit<DeliveryFilter, 'customerServerId'>,
  page: PageRequest,
): Promise<Page<DeliveryRow>> {
  return listDeliveries(executor, { ...filter, customerServerId }, page);
}

/** Everybody's deliveries, newest change first: for operators. */
export function listAllDeliveries(
  executor: SqlExecutor,
  filter: DeliveryFilter,
  page: PageRequest,
): Promise<Page<DeliveryRow>> {
  return listDeliveries(executor, filter, page);
}

async function listDeliveries(
  executor: SqlExecutor,
  filter: DeliveryFilter,
  { limit, after }: PageRequest,
): Promise<Page<DeliveryRow>> {
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const rowLimit = parameter(limit + 1);
  const tenant = filter.customerServerId === undefined ? null : parameter(filter.customerServerId);
  // Only the conditions that were asked for: "is null or" in their place would keep the indexes from being used.
  const conditions = [
    tenant !== null && `d.customer_server_id = ${tenant}`,
    filter.endpointId !== undefined && `d.endpoint_id = ${parameter(filter.endpointId)}`,
    // Asked before anything is read: another tenant's endpoint has a history, which would be walked for nothing, and
    // the time it takes would tell that there is one.
    filter.endpointId !== undefined && tenant !== null && isEndpointOf(tenant, parameter(filter.endpointId)),
    filter.orderId !== undefined && `d.order_id = ${parameter(filter.orderId)}`,
    filter.state !== undefined && `d.state = '${filter.state}'`,
    filter.since !== undefined && `d.changed_at >= ${parameter(filter.since)}`,
    filter.until !== undefined && `d.changed_at < ${parameter(filter.until)}`,
    after !== null && `(d.changed_at, d.id) < (${parameter(after.at)}, ${parameter(after.id)}::char(24))`,
  ].filter((condition) => condition !== false);
  const { rows } = await executor.query<DeliveryRow>({
    text: `select ${DELIVERY_COLUMNS}
             from (${buildPage(chooseMerge(filter), conditions, tenant, rowLimit)}) page
             join deliveries d on d.id = page.id ${JOIN_CHANGE_AND_ENDPOINT}
            order by d.changed_at desc, d.id desc`,
    values,
  });
  return toPage(rows, limit, ({ changedAt, deliveryId }) => ({ at: changedAt, id: deliveryId }));
}

function isEndpointOf(tenant: string, endpointId: string): string {
  return `exists (select from webhook_endpoints e where e.id = ${endpointId} and e.customer_server_id = ${tenant})`;
}

/** Whose lists are merged into one; null when one index holds it already. */
type Merge = 'endpoints' | 'customer servers' | null;

function chooseMerge({ orderId, endpointId, customerServerId, state }: DeliveryFilter): Merge {
  if (orderId !== undefined || endpointId !== undefined) return null;
  switch (state) {
    case 'failed':
    case 'superseded':
    case 'cancelled':
      return 'endpoints';
    case 'blocked':
    case 'waiting':
    case 'queued':
      return null;
    case 'delivered':
    case undefined:
      return customerServerId === undefined ? 'customer servers' : null;
    default:
      return state satisfies never;
  }
}

/** Ids and times of one page, newest first. `tenant` and `rowLimit` are parameters. */
function buildPage(
  merge: Merge,
  conditions: readonly string[],
  tenant: string | null,
  rowLimit: string,
): string {
  const buildList = (all: readonly string[]) => `
    select d.id, d.changed_at from deliveries d ${buildWhere(all)}
     order by d.changed_at desc, d.id desc limit ${rowLimit}`;
  const buildMerged = (parts: string, own: string) => `
    select own.id, own.changed_at
      from (${parts}) part cross join lateral (${buildList([own, ...conditions])}) own
     order by own.changed_at desc, own.id desc limit ${rowLimit}`;
  switch (merge) {
    case null:
      return buildList(conditions);
    case 'endpoints': {
      const ofTenant = tenant === null ? [] : [`customer_server_id = ${tenant}`];
      return buildMerged(
        `select id from webhook_endpoints ${buildWhere(ofTenant)}`,
        'd.endpoint_id = part.id',
      );
    }
    case 'customer servers':
      return buildMerged('select id from customer_servers', 'd.customer_server_id = part.id');
    default:
      return merge satisfies never;
  }
}

function buildWhere(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}
