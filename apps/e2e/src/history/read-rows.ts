import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { buildDeliveryJobId } from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { vi } from 'vitest';
import type { AttemptRow, ChangeRow, DeliveryRow, EndpointRow, History } from './history.ts';

const PATIENCE = { timeout: 10_000, interval: 50 };

/** Without the secret, which is shown to its customer server alone. */
export type EndpointRowRead = Omit<EndpointRow, 'signingSecret'>;

export interface Rows extends Pick<History, 'changes' | 'deliveries' | 'attempts'> {
  readonly endpoints: readonly EndpointRowRead[];
}

/** All there is, as it is now; each kind of row as of its own moment, so let everything come to rest before. */
export async function readRows(executor: SqlExecutor): Promise<Rows> {
  // What is read last refers to what was read before.
  const attempts = await executor.query<AttemptRow>(`
    select delivery_id as "deliveryId", attempt_number as number, trigger, outcome,
           ${toMs('started_at')} as "startedAt", ${toMs('ended_at')} as "endedAt",
           response_status as "responseStatus"
      from delivery_attempts`);
  const deliveries = await executor.query<DeliveryRow>(`
    select id as "deliveryId", order_id as "orderId", order_version as version, endpoint_id as "endpointId", state,
           generation, attempt_count as "attemptCount", claim_token is not null as "isClaimed",
           opened_by as "openedBy", ${toMs('opened_at')} as "openedAt", replay_id as "replayId", replaces_older as "replacesOlder",
           ${toMs('finished_at')} as "finishedAt"
      from deliveries`);
  const changes = await executor.query<ChangeRow>(`
    select order_id as "orderId", customer_server_id as "customerServerId", version, to_status as status, body
      from order_transitions order by seq`);
  const endpoints = await executor.query<EndpointRowRead>(`
    select id as "endpointId", customer_server_id as "customerServerId", regexp_replace(url, '^https?://[^/]*', '') as path,
           mode = 'latest_only' as "wantsLatestOnly", case when not all_statuses then statuses end as statuses,
           timeout_ms as "timeoutMs",
           cardinality(retry_delays_ms) as retries, ${toMs('deleted_at')} as "deletedAt"
      from webhook_endpoints where own_retry_delays and timeout_ms is not null`);
  return {
    attempts: attempts.rows,
    deliveries: deliveries.rows,
    changes: changes.rows,
    endpoints: endpoints.rows,
  };
}

/** Ids of the jobs that the queue has for deliveries that are still queued. */
export async function readLiveJobs(
  queue: Pick<DeliveryQueue, 'stateOf'>,
  deliveries: readonly DeliveryRow[],
): Promise<string[]> {
  const live: string[] = [];
  for (const { deliveryId, generation } of deliveries.filter(({ state }) => state === 'queued')) {
    // It fails fast, also while it connects for the first time.
    const state = await vi.waitFor(() => queue.stateOf(deliveryId, generation), PATIENCE);
    if (state !== 'gone') live.push(buildDeliveryJobId(deliveryId, generation));
  }
  return live;
}

function toMs(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`;
}
