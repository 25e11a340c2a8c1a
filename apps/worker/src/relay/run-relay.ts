import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { LOCK_KEYS } from '@vendor-server/platform/database/lock-keys.ts';
import {
  type ExclusiveLoop,
  startExclusiveLoop,
} from '@vendor-server/platform/database/start-exclusive-loop.ts';
import type { RelayWork } from '@vendor-server/platform/metrics/worker-metrics.ts';
import type { Logger } from 'pino';
import { MAX_ENDPOINTS } from './relay-tick.ts';

const TICK_MS = 1_000;

/**
 * Runs `tick` every second, in one process at a time over all workers. One that promoted as many as it looks at may have
 * left more, and the next one comes at once: a backlog of many endpoints that is let go would begin with a few of them each
 * second otherwise, and few deliveries would share a statement.
 */
export function startRelay(
  database: Pick<Database, 'pool'>,
  tick: () => Promise<RelayWork>,
  logger: Logger,
): ExclusiveLoop {
  return startExclusiveLoop(database, {
    lockKey: LOCK_KEYS.relay,
    intervalMs: TICK_MS,
    async tick() {
      const work = await tick();
      report(work);
      return work.promoted >= MAX_ENDPOINTS;
    },
    onError: (error) => logger.warn({ err: error }, 'Relay tick failed; it will try again'),
  });

  function report(result: RelayWork): void {
    const { remadeJobs, endedClaims, promoted, probes } = result;
    if (remadeJobs + endedClaims + promoted + probes > 0) logger.info(result, 'Relay moved deliveries');
  }
}
