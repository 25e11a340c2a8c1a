import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/**
 * What the database holds, one digest a table, to be compared with what it holds later: every table is looked at,
 * also one that is added.
 *
 * @param ofRowsWith only rows that hold one of these texts count; empty: all rows
 */
export async function digestTables(
  executor: SqlExecutor,
  ofRowsWith: readonly string[] = [],
): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await executor.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables
      where schemaname = 'public' and tablename <> '_prisma_migrations' order by tablename`,
  );
  const digests = tables.map(
    ({ name }) => `
      select '${name}' as name, md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as digest
        from ${name} t where cardinality($1::text[]) = 0 or t::text ~ array_to_string($1::text[], '|')`,
  );
  const { rows } = await executor.query<{ name: string; digest: string }>(digests.join(' union all '), [
    ofRowsWith,
  ]);
  return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
}
