import type pg from 'pg';
import { isDatabaseUnavailable } from './database-errors.ts';
import type { SqlExecutor } from './sql-executor.ts';

/** A call that takes longer than this tells of a database in trouble. */
const SLOW_CALL_MS = 1_000;
const HEARTBEAT_MS = 500;
/** A longer silence says nothing good: nobody asked, or this process did not run. */
const MAX_SILENCE_MS = 2_000;

/** Knows which statements wait for whoever holds their rows. */
export interface PatientExecutor extends SqlExecutor {
  /** Sends those that do, and keep a connection meanwhile. All others skip what is held, or lock nothing. */
  readonly waiting: SqlExecutor;
}

/**
 * Sends statements through `pool` and watches how fast they are answered. The relay ends no claim while the
 * database is slow or was a moment ago: workers that wait for it hold answers they could not record yet.
 *
 * How long somebody's lock is waited for says nothing of the database, so of `waiting` only lost connections count.
 * (Answers that wait for a lock are the relay's own concern: it sees which rows are held.) A slow database is still
 * noticed: by all other statements, of which the heartbeat sends two a second.
 */
export interface WatchedExecutor extends PatientExecutor {
  /**
   * Whether every call of the last `periodMs` was answered within a second, none is under way for longer, and
   * there was never silence for 2 s. False during the first `periodMs`.
   */
  isCalmFor(periodMs: number): boolean;
}

export function createWatchedExecutor(
  pool: pg.Pool,
  now: () => number = () => performance.now(),
): WatchedExecutor {
  const underWay = new Set<{ readonly startedAt: number }>();
  let lastTroubleAt = now();
  let lastAnswerAt = now();

  /** @param maxMs how long it may take */
  const watch = (maxMs: number): SqlExecutor => ({
    async query<Row extends pg.QueryResultRow>(
      statement: string | pg.QueryConfig<unknown[]>,
      values?: unknown[],
    ) {
      const call = { startedAt: now() };
      if (maxMs < Infinity) underWay.add(call);
      try {
        return typeof statement === 'string'
          ? await pool.query<Row>(statement, values)
          : await pool.query<Row>(statement);
      } catch (error) {
        if (isDatabaseUnavailable(error)) lastTroubleAt = now();
        throw error;
      } finally {
        underWay.delete(call);
        const at = now();
        if (at - call.startedAt > maxMs || at - lastAnswerAt > MAX_SILENCE_MS) lastTroubleAt = at;
        lastAnswerAt = at;
      }
    },
  });

  return {
    ...watch(SLOW_CALL_MS),
    waiting: watch(Infinity),
    isCalmFor(periodMs) {
      const at = now();
      for (const call of underWay) if (at - call.startedAt > SLOW_CALL_MS) return false;
      return at - lastAnswerAt <= MAX_SILENCE_MS && at - lastTroubleAt >= periodMs;
    },
  };
}

export interface Heartbeat {
  stop(): void;
}

/**
 * Asks the database twice a second, so that an executor that has nothing else to do still knows how it is. One
 * question at a time: they must not pile up while the database is away.
 */
export function startHeartbeat(executor: SqlExecutor): Heartbeat {
  let isAsking = false;
  const timer = setInterval(() => {
    if (isAsking) return;
    isAsking = true;
    executor
      .query('select 1')
      // What it means is noted by the executor; whoever needs the database reports it.
      .catch(() => undefined)
      .finally(() => {
        isAsking = false;
      });
  }, HEARTBEAT_MS);
  return { stop: () => clearInterval(timer) };
}
