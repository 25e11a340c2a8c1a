import type { RouteReference } from '../reference/route-reference.ts';

export const metricsReference: RouteReference = {
  audience: 'operator',
  tag: 'Health',
  operationId: 'getMetrics',
  summary: 'Metrics of this process in the Prometheus text format',
  description:
    'Requests, status changes, the backlog of deliveries, the webhook endpoints that are not healthy, the queue, and ' +
    'the process itself. Every API and every worker has its own; the gauges over the backlog and the endpoints are ' +
    'the same on all, so take their maximum, not their sum.',
  answers: {
    200: {
      description: 'The metrics, in the Prometheus text exposition format 0.0.4.',
      contentType: 'text/plain',
      example: 'vendor_server_order_transitions_total{status="completed"} 42\n',
    },
  },
};
