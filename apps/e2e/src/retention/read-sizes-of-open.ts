import type pg from 'pg';

/** Of each index that holds only deliveries that are open, by name, in bytes. */
export async function readSizesOfOpen(pool: pg.Pool): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ name: string; bytes: number }>(
    `select indexrelid::regclass::text as name, pg_relation_size(indexrelid) as bytes
       from pg_index where indrelid = 'deliveries'::regclass
        and pg_get_expr(indpred, indrelid) ~ 'blocked|waiting|queued|claim_token IS NOT NULL|finished_at IS NULL'`,
  );
  return Object.fromEntries(rows.map(({ name, bytes }) => [name, bytes]));
}
