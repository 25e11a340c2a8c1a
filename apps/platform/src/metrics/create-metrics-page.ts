import { type BacklogMetricsDeps, createBacklogMetrics } from './backlog-metrics.ts';
import { createEndpointMetrics } from './endpoint-metrics.ts';
import { createOldestKeptMetrics } from './oldest-kept-metrics.ts';

export interface MetricsPage {
  /** Of the text that `read` gives. */
  readonly contentType: string;
  /** All metrics of the process in the Prometheus text format. Resolves within two seconds, whatever is away. */
  read(): Promise<string>;
}

/** What `GET /metrics` answers. */
export function createMetricsPage(deps: BacklogMetricsDeps): MetricsPage {
  const refreshes = [createBacklogMetrics(deps), createEndpointMetrics(deps), createOldestKeptMetrics(deps)];
  return {
    contentType: deps.registry.contentType,
    async read() {
      await Promise.all(refreshes.map((refresh) => refresh()));
      return deps.registry.metrics();
    },
  };
}
