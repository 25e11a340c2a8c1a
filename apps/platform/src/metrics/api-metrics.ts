import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import { ORDER_STATUSES, type OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import { ANSWER_BUCKETS } from './create-registry.ts';
import { createDeliveryMetrics, type DeliveryMetrics } from './delivery-metrics.ts';

export interface HandledRequest {
  readonly method: string;
  /** The route's pattern, never a path with ids; `unmatched` for what no route answers. */
  readonly route: string;
  /** The answer's status; `aborted` when the caller went away before there was one. */
  readonly status: number | 'aborted';
  /** Null for what tells nothing of our speed: an answer that broke off, an event stream. */
  readonly durationMs: number | null;
}

/**
 * What the API counts. Label values come from closed sets: never a URL, nor an id of anything. A count costs
 * less than a microsecond.
 */
export interface ApiMetrics extends DeliveryMetrics {
  countRequest(request: HandledRequest): void;
  /** Called after a change to `status` has committed. */
  countTransition(status: OrderStatus): void;
}

export function createApiMetrics(registry: Registry): ApiMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'vendor_server_http_requests_total',
    help: 'Requests by route pattern, method and status; "aborted" when the caller went away first.',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'vendor_server_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route', 'method'],
    buckets: ANSWER_BUCKETS,
    registers,
  });
  const transitions = new Counter({
    name: 'vendor_server_order_transitions_total',
    help: 'Committed status changes of orders by the status they led to, creations included.',
    labelNames: ['status'],
    registers,
  });
  // From the start, so that the first one is an increase.
  for (const status of ORDER_STATUSES) transitions.inc({ status }, 0);

  return {
    ...createDeliveryMetrics(registry),
    countRequest({ method, route, status, durationMs }) {
      requests.inc({ route, method, status });
      if (durationMs !== null) durations.observe({ route, method }, durationMs / 1000);
    },
    countTransition: (status) => transitions.inc({ status }),
  };
}
