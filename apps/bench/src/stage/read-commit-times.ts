import type pg from 'pg';

/**
 * When the transactions committed that created these orders, which nobody has changed since.
 *
 * @returns ms since 1970 by order id; empty when the server does not track it
 */
export async function readCommitTimes(
  pool: pg.Pool,
  orderIds: readonly string[],
): Promise<Map<string, number>> {
  const { rows: settings } = await pool.query<{ isTracked: boolean }>(
    `select current_setting('track_commit_timestamp')::bool as "isTracked"`,
  );
  if (!settings[0]?.isTracked) return new Map();
  const { rows } = await pool.query<{ id: string; committedAtMs: number }>(
    `select id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as "committedAtMs"
       from orders where id = any ($1)`,
    [orderIds],
  );
  return new Map(rows.map(({ id, committedAtMs }) => [id, committedAtMs]));
}
