/**
 * Gauges over the endpoints that are not healthy: whose server it is, since when, and why. An endpoint that is well
 * has no series, so what is shown is what needs somebody. Like the gauges over the backlog they are read when
 * somebody asks, are the same on every process, and stand as they were while the database is away.
 */
import { Gauge, type Registry } from '@prometheus-io/client';
import type { Database } from '../database/create-database.ts';
import { createCachedReader } from './create-cached-reader.ts';
import { toTroubleCode } from './to-trouble-code.ts';
import {
  MAX_ENDPOINTS_COUNTED,
  MAX_NAMED,
  readUnhealthyEndpoints,
  type UnhealthyEndpoint,
  type UnhealthyState,
} from './unhealthy-endpoints-sql.ts';

const MAX_AGE_MS = 5_000;
const WAIT_MS = 1_000;

const STATES = ['struggling', 'broken', 'paused', 'disabled'] as const satisfies readonly UnhealthyState[];
const OWNER_LABELS = ['endpoint_id', 'customer_server_id', 'customer_server'];

export interface EndpointMetricsDeps {
  readonly registry: Registry;
  readonly database: Pick<Database, 'pool'>;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

/** @returns brings the gauges up to date, as far as that goes within a second; never rejects */
export function createEndpointMetrics({
  registry,
  database,
  now = () => performance.now(),
}: EndpointMetricsDeps): () => Promise<void> {
  const registers = [registry];
  const since = new Gauge({
    name: 'vendor_server_unhealthy_endpoint_since_timestamp_seconds',
    help: `Since when a webhook endpoint is not healthy, by its state and the reason; of each state ${MAX_NAMED} at most, the ones created last.`,
    labelNames: [...OWNER_LABELS, 'state', 'reason'],
    registers,
  });
  const nextProbe = new Gauge({
    name: 'vendor_server_broken_endpoint_next_probe_timestamp_seconds',
    help: 'Until when a broken webhook endpoint is sent nothing: then it is tried.',
    labelNames: OWNER_LABELS,
    registers,
  });
  const total = new Gauge({
    name: 'vendor_server_unhealthy_endpoints',
    help: `Webhook endpoints that are not healthy, by state; ${MAX_ENDPOINTS_COUNTED} means that many or more.`,
    labelNames: ['state'],
    registers,
  });
  const read = createCachedReader(() => readUnhealthyEndpoints(database.pool), {
    maxAgeMs: MAX_AGE_MS,
    waitMs: WAIT_MS,
    now,
  });

  function set(endpoints: readonly UnhealthyEndpoint[]): void {
    // One that is well again has no series any more.
    since.reset();
    nextProbe.reset();
    for (const state of STATES) {
      total.set({ state }, endpoints.find((each) => each.state === state)?.ofState ?? 0);
    }
    for (const endpoint of endpoints) {
      const owner = {
        endpoint_id: endpoint.endpointId,
        customer_server_id: endpoint.customerServerId,
        customer_server: endpoint.customerServerName,
      };
      const { state, nextProbeAt } = endpoint;
      since.set({ ...owner, state, reason: toTroubleCode(endpoint) }, toSeconds(endpoint.since));
      if (nextProbeAt !== null) nextProbe.set(owner, toSeconds(nextProbeAt));
    }
  }

  return async () => {
    const reading = await read();
    if (reading !== null) set(reading.value);
  };
}

function toSeconds(at: Date): number {
  return at.getTime() / 1_000;
}
