import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type CheckResult, runCheck } from '@vendor-server/platform/health/run-check.ts';
import type { DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { isStandingStill, noteAttemptEnded } from './standstill-sql.ts';

/** Work that is due this long while nothing was attempted means the worker is up but not working. */
const STANDSTILL_MS = 60_000;
/** How often a worker tells the others that it moves: far below what counts as a standstill. */
const NOTE_INTERVAL_MS = 5_000;

export interface ReadinessReport {
  readonly status: CheckResult;
  readonly checks: {
    readonly database: CheckResult;
    readonly queue: CheckResult;
    readonly progress: CheckResult;
  };
}

export interface Readiness {
  /** Called when an attempt was recorded. Costs nothing that anybody waits for. */
  noteProgress(): void;
  report(): Promise<ReadinessReport>;
}

export interface ReadinessDeps {
  readonly executor: SqlExecutor;
  readonly queue: Pick<DeliveryQueue, 'ping'>;
  readonly now?: () => number;
}

/**
 * Whether this worker can deliver: database and queue answer, and due work moves.
 *
 * Work that another worker does is progress, too: while one delivers what an endpoint takes slowly, the others have
 * nothing to do and are as ready as it is. So progress is noted in the database as well, every few seconds.
 */
export function createReadiness({
  executor,
  queue,
  now = () => performance.now(),
}: ReadinessDeps): Readiness {
  // A worker that has just started is given as long as one that has just delivered.
  let lastProgressAt = now();
  let lastNotedAt = Number.NEGATIVE_INFINITY;

  async function checkProgress(): Promise<void> {
    if (now() - lastProgressAt < STANDSTILL_MS) return;
    if (await isStandingStill(executor, STANDSTILL_MS)) {
      throw new Error('deliveries are due and nothing moves');
    }
  }

  return {
    noteProgress() {
      lastProgressAt = now();
      if (lastProgressAt - lastNotedAt < NOTE_INTERVAL_MS) return;
      lastNotedAt = lastProgressAt;
      // A note that fails is one of many; while the database is away no worker is ready anyway.
      noteAttemptEnded(executor).catch(() => undefined);
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
