import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './create-database.ts';
import type { LOCK_KEYS } from './lock-keys.ts';

/** A process that was stopped with the lock in its hands loses it after this long. */
const LOCK_IDLE_LIMIT = '10s';

export interface ExclusiveLoop {
  /** Resolves when the tick in hand is done. */
  stop(): Promise<void>;
}

export interface ExclusiveLoopOptions {
  /** Names the work over all processes. */
  readonly lockKey: (typeof LOCK_KEYS)[keyof typeof LOCK_KEYS];
  readonly intervalMs: number;
  /** Bounded work; true when there is more of it, so that the next tick comes at once. */
  readonly tick: () => Promise<boolean>;
  /** Told of a tick that failed, or of a database that is away; the next one comes all the same. */
  readonly onError: (error: unknown) => void;
}

/**
 * Runs `tick` every `intervalMs`, in one process at a time: an advisory lock held by a transaction that does
 * nothing else. Whoever dies with it, its connection dies too; whoever is stopped with it, the idle limit ends
 * its transaction. A tick may then overlap with another process's, so what it does is safe without the lock.
 */
export function startExclusiveLoop(
  { pool }: Pick<Database, 'pool'>,
  { lockKey, intervalMs, tick, onError }: ExclusiveLoopOptions,
): ExclusiveLoop {
  const stopping = new AbortController();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let hasMore = false;
      try {
        hasMore = await tickUnderLock();
      } catch (error) {
        onError(error);
      }
      if (!hasMore) await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  /** False also when another process has the lock. */
  async function tickUnderLock(): Promise<boolean> {
    const client = await pool.connect();
    let broken = true;
    try {
      await client.query('begin');
      await client.query(`set local idle_in_transaction_session_timeout = '${LOCK_IDLE_LIMIT}'`);
      const { rows } = await client.query<{ locked: boolean }>(
        'select pg_try_advisory_xact_lock($1) as locked',
        [lockKey],
      );
      const hasMore = rows[0]?.locked === true && (await tick());
      await client.query('commit');
      broken = false;
      return hasMore;
    } finally {
      client.release(broken);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
