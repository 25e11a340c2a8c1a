/**
 * Gauges over what is to be delivered, the queue, and what a process needs. They are read when somebody asks for
 * the metrics, by one reader, at most every few seconds, and never for longer than a second: while the database or
 * the queue is away the last values stand, `…_read_timestamp_seconds` says how old they are, and
 * `…_readiness_check_up` what is down.
 *
 * Every process shows the same backlog, so that it is seen also when all workers, or all APIs, are down: take the
 * maximum over processes, never the sum.
 */
import { Gauge, type Registry } from '@prometheus-io/client';
import type { Database } from '../database/create-database.ts';
import type { CheckResult } from '../health/run-check.ts';
import type { DeliveryQueue, QueueCounts } from '../queue/delivery-queue.ts';
import { type Backlog, MAX_COUNTED, readBacklog } from './backlog-sql.ts';
import { createCachedReader, type Reading } from './create-cached-reader.ts';

const MAX_AGE_MS = 5_000;
/** Prometheus gives up after 10 s by default, and nobody else waits. */
const WAIT_MS = 1_000;

export interface BacklogMetricsDeps {
  readonly registry: Registry;
  readonly database: Pick<Database, 'pool'>;
  readonly queue: Pick<DeliveryQueue, 'counts'>;
  /** What `/readyz` says, by the name of the check; resolves within about a second. */
  readonly readChecks: () => Promise<Readonly<Record<string, CheckResult>>>;
}

/** @returns brings the gauges up to date, as far as that goes within a second; never rejects */
export function createBacklogMetrics({
  registry,
  database,
  queue,
  readChecks,
}: BacklogMetricsDeps): () => Promise<void> {
  const gauges = createGauges(registry);
  const limits = { maxAgeMs: MAX_AGE_MS, waitMs: WAIT_MS };
  const backlog = createCachedReader(() => readBacklog(database.pool), limits);
  const counts = createCachedReader(() => queue.counts(), limits);
  // The checks have a limit of their own, just above which they have answered.
  const checks = createCachedReader(readChecks, { ...limits, waitMs: WAIT_MS * 1.5 });

  return async () => {
    const [newBacklog, newCounts, newChecks] = await Promise.all([backlog(), counts(), checks()]);
    if (newBacklog !== null) gauges.setBacklog(newBacklog);
    if (newCounts !== null) gauges.setCounts(newCounts);
    if (newChecks !== null) gauges.setChecks(newChecks.value);
  };
}

function createGauges(registry: Registry) {
  const registers = [registry];
  const open = new Gauge({
    name: 'vendor_server_deliveries_open',
    help: `Deliveries that are still to be sent, by state; ${MAX_COUNTED} means that many or more.`,
    labelNames: ['state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'vendor_server_oldest_undelivered_delivery_age_seconds',
    help: 'Age of the oldest delivery that has not ended, where its endpoint is open, and where it is held (paused, broken, disabled); 0: there is none.',
    labelNames: ['endpoint'],
    registers,
  });
  const due = new Gauge({
    name: 'vendor_server_oldest_due_delivery_age_seconds',
    help: 'For how long the delivery that waits longest has been due at an open endpoint without being attempted.',
    registers,
  });
  const jobs = new Gauge({
    name: 'vendor_server_queue_jobs',
    help: 'Jobs in the queue by state.',
    labelNames: ['state'],
    registers,
  });
  const checkUp = new Gauge({
    name: 'vendor_server_readiness_check_up',
    help: 'What /readyz finds: 1 up, 0 down.',
    labelNames: ['check'],
    registers,
  });
  const readAt = new Gauge({
    name: 'vendor_server_backlog_read_timestamp_seconds',
    help: 'When the gauges over the database and the queue were last read; 0: never.',
    labelNames: ['source'],
    registers,
  });
  for (const source of ['database', 'queue']) readAt.set({ source }, 0);

  return {
    setBacklog({ value, ageMs, readAtSeconds }: Reading<Backlog>) {
      // What was open then still is, as far as anybody knows: its age goes on.
      const sinceThen = (seconds: number) => (seconds === 0 ? 0 : seconds + ageMs / 1000);
      for (const state of ['blocked', 'waiting', 'queued'] as const) open.set({ state }, value[state]);
      oldest.set({ endpoint: 'open' }, sinceThen(value.oldestOpenSeconds));
      oldest.set({ endpoint: 'held' }, sinceThen(value.oldestHeldSeconds));
      due.set(sinceThen(value.oldestDueSeconds));
      readAt.set({ source: 'database' }, readAtSeconds);
    },
    setCounts({ value, readAtSeconds }: Reading<QueueCounts>) {
      for (const [state, count] of Object.entries(value)) jobs.set({ state }, count);
      readAt.set({ source: 'queue' }, readAtSeconds);
    },
    setChecks(checks: Readonly<Record<string, CheckResult>>) {
      for (const [check, result] of Object.entries(checks)) checkUp.set({ check }, result === 'up' ? 1 : 0);
    },
  };
}
