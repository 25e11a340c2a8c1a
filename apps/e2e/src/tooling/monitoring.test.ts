/** The dashboard and the alert rules name metrics, labels and label values that API and worker really have. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import { createMetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { parseExposition, type Sample } from '@vendor-server/platform/testing/parse-exposition.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parsePromql, type Selector } from './parse-promql.ts';

const folder = path.resolve(import.meta.dirname, '../../../monitoring');
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; action: string };
}
interface Panel {
  title: string;
  type: string;
  targets?: { expr: string; legendFormat: string }[];
}

const rules: Rule[] = parse(read('alerts.yaml')).groups.flatMap(({ rules: of }: { rules: Rule[] }) => of);
const panels: Panel[] = JSON.parse(read('dashboard.json')).panels;
const jobs: string[] = parse(read('prometheus.example.yaml')).scrape_configs.map(
  (config: { job_name: string }) => config.job_name,
);

const targets = panels.flatMap(({ title, targets: of = [] }) =>
  of.map(({ expr, legendFormat }) => ({ name: `panel ${title}`, expr, shown: legendFormat })),
);
const expressions = [
  ...rules.map(({ alert, expr, annotations }) => ({
    name: `rule ${alert}`,
    expr,
    shown: annotations.summary.replaceAll('$labels.', '').replaceAll(/\{\{ \$value[^}]*\}\}/g, ''),
  })),
  ...targets,
];

let samples: readonly Sample[];

/** Every metric that a process can have, each with a sample. */
beforeAll(async () => {
  const backlog = { blocked: 1, waiting: 1, queued: 1, oldestOpenSeconds: 1, oldestHeldSeconds: 1 };
  const endpoint = {
    endpointId: 'e',
    customerServerId: 'c',
    customerServerName: 'n',
    since: new Date(),
    ofState: 1,
  };
  const rows: Readonly<Record<string, readonly object[]>> = {
    'read-backlog': [{ ...backlog, oldestDueSeconds: 1 }],
    'read-unhealthy-endpoints': ['struggling', 'broken', 'paused', 'disabled'].map((state) => ({
      ...endpoint,
      state,
      nextProbeAt: state === 'broken' ? new Date() : null,
    })),
  };
  const client = {
    query: async ({ name = '' }: { name?: string }) => ({ rows: rows[name] ?? [] }),
    release: () => undefined,
  };
  const texts = await Promise.all(
    [createApiMetrics, createWorkerMetrics].map(async (create) => {
      const registry = createMetricsRegistry();
      const metrics = create(registry);
      if ('countRequest' in metrics) {
        metrics.countRequest({ route: '/orders', method: 'GET', status: 500, durationMs: 1 });
      } else {
        metrics.countAttempt({
          outcome: 'rejected',
          reason: 'server_error',
          responseStatus: 500,
          durationMs: 1,
        });
      }
      return createMetricsPage({
        registry,
        database: { pool: { connect: async () => client } as unknown as Database['pool'] },
        queue: { counts: async () => ({ waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }) },
        readChecks: async () => ({ database: 'up', queue: 'up', progress: 'up' }),
      }).read();
    }),
  );
  // What Prometheus itself adds.
  const scraped = texts.flatMap((text) => parseExposition(text).samples);
  const up: Sample = { name: 'up', labels: {}, value: 1 };
  samples = [...scraped, up].flatMap((sample) =>
    jobs.map((job) => ({ ...sample, labels: { ...sample.labels, job, instance: 'a:1' } })),
  );
});

function findFaults({ metric, matchers }: Selector): string[] {
  const named = samples.filter(({ name }) => name === metric);
  if (named.length === 0) return [`there is no metric ${metric}`];
  return matchers.flatMap(({ label, operator, value }) => {
    const values = named.flatMap(({ labels }) => labels[label] ?? []);
    if (values.length === 0) return [`${metric} has no label ${label}`];
    if (operator.startsWith('!')) return [];
    const pattern = operator.endsWith('~')
      ? new RegExp(`^(?:${value})$`)
      : new RegExp(`^${RegExp.escape(value)}$`);
    return values.some((each) => pattern.test(each)) ? [] : [`${metric} has no ${label} ${value}`];
  });
}

test.each(expressions)('$name: $expr', ({ expr, shown }) => {
  const { selectors, groupLabels } = parsePromql(expr);
  expect(selectors.length).toBeGreaterThan(0);
  expect(selectors.flatMap(findFaults)).toEqual([]);
  const used = new Set(selectors.map(({ metric }) => metric));
  const known = new Set(
    samples.filter(({ name }) => used.has(name)).flatMap(({ labels }) => Object.keys(labels)),
  );
  const shownLabels = [...shown.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);
  expect([...groupLabels, ...shownLabels].filter((label) => !known.has(label))).toEqual([]);
});

test('each rule says what happened, what to do, and how bad it is', () => {
  expect(rules.length).toBeGreaterThan(10);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations } of rules) {
    expect(['page', 'ticket'], alert).toContain(labels.severity);
    expect(annotations.summary.length, alert).toBeGreaterThan(10);
    expect(annotations.action.length, alert).toBeGreaterThan(20);
  }
});

test('the dashboard shows something in every panel', () => {
  const empty = panels.filter(({ type, targets: of = [] }) => type !== 'row' && of.length === 0);
  expect(empty).toEqual([]);
  expect(targets.length).toBeGreaterThan(20);
});

describe('a faulty expression is found', () => {
  test.each([
    ['sum(vendor_server_no_such_total)', 'there is no metric vendor_server_no_such_total'],
    ['rate(vendor_server_queue_jobs{phase="active"}[5m])', 'vendor_server_queue_jobs has no label phase'],
    ['vendor_server_queue_jobs{state="lost"}', 'vendor_server_queue_jobs has no state lost'],
    ['time() - up{job=~"vendor-.*", instance!="x"} > 1.5e3 and on (job) uq', 'there is no metric uq'],
  ])('%s', (expr, fault) => {
    expect(parsePromql(expr).selectors.flatMap(findFaults)).toEqual([fault]);
  });
});
