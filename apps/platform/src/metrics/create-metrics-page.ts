import { type BacklogMetricsDeps, createBacklogMetrics } from './backlog-metrics.ts';

export interface MetricsPage {
  /** Of the text that `read` gives. */
  readonly contentType: string;
  /** All metrics of the process in the Prometheus text format. Resolves within two seconds, whatever is away. */
  read(): Promise<string>;
}

/** What `GET /metrics` answers. */
export function createMetricsPage(deps: BacklogMetricsDeps): MetricsPage {
  const refresh = createBacklogMetrics(deps);
  return {
    contentType: deps.registry.contentType,
    async read() {
      await refresh();
      return deps.registry.metrics();
    },
  };
}
