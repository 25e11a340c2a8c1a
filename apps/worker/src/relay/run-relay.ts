import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import type { RelayWork } from '@vendor-server/platform/metrics/worker-metrics.ts';
import type { Logger } from 'pino';

const TICK_MS = 1_000;
/** Any constant that nothing else locks. */
const RELAY_LOCK_KEY = 4_710_021;
/** A relay that was stopped with the lock in its hands loses it after this long. */
const LOCK_IDLE_LIMIT = '10s';

export interface Relay {
  /** Resolves when the tick in hand is done. */
  stop(): Promise<void>;
}

/**
 * Runs `tick` every second, in one process at a time over all workers: an advisory lock held by a transaction
 * that does nothing else. Whoever dies with it, its connection dies too; whoever is stopped with it, the idle
 * limit ends its transaction.
 */
export function startRelay(
  database: Pick<Database, 'pool'>,
  tick: () => Promise<RelayWork>,
  logger: Logger,
): Relay {
  const stopping = new AbortController();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await tickUnderLock();
      } catch (error) {
        logger.warn({ err: error }, 'Relay tick failed; it will try again');
      }
      await sleep(TICK_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function tickUnderLock(): Promise<void> {
    const client = await database.pool.connect();
    let broken = true;
    try {
      await client.query('begin');
      await client.query(`set local idle_in_transaction_session_timeout = '${LOCK_IDLE_LIMIT}'`);
      const { rows } = await client.query<{ locked: boolean }>(
        'select pg_try_advisory_xact_lock($1) as locked',
        [RELAY_LOCK_KEY],
      );
      if (rows[0]?.locked === true) report(await tick());
      await client.query('commit');
      broken = false;
    } finally {
      client.release(broken);
    }
  }

  function report(result: RelayWork): void {
    const { remadeJobs, endedClaims, promoted } = result;
    if (remadeJobs + endedClaims + promoted > 0) logger.info(result, 'Relay moved deliveries');
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
