import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type CheckResult, runCheck } from '@vendor-server/platform/health/run-check.ts';
import type { DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';

/** Work that is due this long while nothing was attempted means the worker is up but not working. */
const STANDSTILL_MS = 60_000;

export interface ReadinessReport {
  readonly status: CheckResult;
  readonly checks: {
    readonly database: CheckResult;
    readonly queue: CheckResult;
    readonly progress: CheckResult;
  };
}

export interface Readiness {
  /** Called when an attempt was recorded. */
  noteProgress(): void;
  report(): Promise<ReadinessReport>;
}

export interface ReadinessDeps {
  readonly executor: SqlExecutor;
  readonly queue: Pick<DeliveryQueue, 'ping'>;
  readonly now?: () => number;
}

/** Whether this worker can deliver: database and queue answer, and due work moves. */
export function createReadiness({
  executor,
  queue,
  now = () => performance.now(),
}: ReadinessDeps): Readiness {
  let lastProgressAt = now();

  async function checkProgress(): Promise<void> {
    if (now() - lastProgressAt < STANDSTILL_MS) return;
    const { rows } = await executor.query<{ standing: boolean }>({
      name: 'is-work-standing',
      text: `
        -- By due_at: the relay renews job_due_at whenever it remakes a job.
        select exists (
          select 1 from webhook_endpoints e
           where e.state = 'active' and e."window" > 0 and e.deleted_at is null
             and (exists (select 1 from deliveries d where d.endpoint_id = e.id and d.state = 'queued'
                             and d.claim_token is null
                             and d.due_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000))
               or exists (select 1 from deliveries d where d.endpoint_id = e.id and d.state = 'waiting'
                             and d.due_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000)))
        ) as standing`,
      values: [STANDSTILL_MS],
    });
    if (rows[0]?.standing === true) throw new Error('deliveries are due and nothing moves');
  }

  return {
    noteProgress() {
      lastProgressAt = now();
    },
    async report() {
      const [database, queueState, progress] = await Promise.all([
        runCheck(() => executor.query('select 1')),
        runCheck(() => queue.ping()),
        runCheck(checkProgress),
      ]);
      const checks = { database, queue: queueState, progress };
      const isReady = Object.values(checks).every((result) => result === 'up');
      return { status: isReady ? 'up' : 'down', checks };
    },
  };
}
