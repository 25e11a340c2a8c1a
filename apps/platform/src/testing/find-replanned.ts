import type pg from 'pg';

/** A connection plans a statement so often for the values it sees, and then decides whether one plan does for all. */
export const CUSTOM_PLANS = 5;

/**
 * The statements, of those that the pool's idle connections have prepared, that were planned anew more often: planning
 * costs several times the statement. (All at once and idle ones only: whoever has one in hand may wait for another.)
 */
export async function findReplanned(pool: pg.Pool): Promise<string[]> {
  const clients = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
  try {
    const found = new Set<string>();
    for (const client of clients) {
      const { rows } = await client.query<{ name: string }>(
        'select name from pg_prepared_statements where custom_plans > $1',
        [CUSTOM_PLANS],
      );
      for (const { name } of rows) found.add(name);
    }
    return [...found].toSorted();
  } finally {
    for (const client of clients) client.release();
  }
}
