import type pg from 'pg';
import { isDatabaseUnavailable } from './database-errors.ts';
import type { SqlExecutor } from './sql-executor.ts';

/** A call that takes longer than this tells of a database in trouble. */
const SLOW_CALL_MS = 1_000;

/**
 * Sends statements through `pool` and watches how fast they are answered. The relay ends no claim while the
 * database is slow or was a moment ago: workers that wait for it hold answers they could not record yet.
 */
export interface WatchedExecutor extends SqlExecutor {
  /**
   * Whether every call of the last `periodMs` was answered within a second and none is under way for longer.
   * False during the first `periodMs`.
   */
  isCalmFor(periodMs: number): boolean;
}

export function createWatchedExecutor(
  pool: pg.Pool,
  now: () => number = () => performance.now(),
): WatchedExecutor {
  const underWay = new Set<{ readonly startedAt: number }>();
  let lastTroubleAt = now();

  return {
    async query<Row extends pg.QueryResultRow>(
      statement: string | pg.QueryConfig<unknown[]>,
      values?: unknown[],
    ) {
      const call = { startedAt: now() };
      underWay.add(call);
      try {
        return typeof statement === 'string'
          ? await pool.query<Row>(statement, values)
          : await pool.query<Row>(statement);
      } catch (error) {
        if (isDatabaseUnavailable(error)) lastTroubleAt = now();
        throw error;
      } finally {
        underWay.delete(call);
        if (now() - call.startedAt > SLOW_CALL_MS) lastTroubleAt = now();
      }
    },
    isCalmFor(periodMs) {
      const at = now();
      for (const call of underWay) if (at - call.startedAt > SLOW_CALL_MS) return false;
      return at - lastTroubleAt >= periodMs;
    },
  };
}
