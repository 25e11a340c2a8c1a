import pg from 'pg';
import type { SqlExecutor } from '../database/sql-executor.ts';

/** A table with columns that hold sealed texts; what is associated with each is the id of its row. */
export interface SealedTable {
  readonly name: string;
  /** At least one. */
  readonly columns: readonly string[];
}

/** A row's sealed texts, in the order of the table's columns. */
export interface SealedRow {
  readonly id: string;
  readonly texts: readonly (string | null)[];
}

/** A row as it was read, and the texts it is to hold. */
export interface ResealedRow extends SealedRow {
  readonly newTexts: readonly (string | null)[];
}

/**
 * Finds every column whose name ends in `_ciphertext`: the database is asked, not a list, so that a new one cannot
 * be forgotten.
 *
 * @throws when such a table has no column `id`: nobody would know what its texts are associated with
 */
export async function listSealedTables(executor: SqlExecutor): Promise<SealedTable[]> {
  const { rows } = await executor.query<SealedTable & { hasId: boolean }>(`
    select table_name as name, bool_or(column_name = 'id') as "hasId",
           array_agg(column_name::text order by column_name) filter (where column_name like '%\\_ciphertext') as columns
      from information_schema.columns
     where table_schema = current_schema()
     group by table_name
    having bool_or(column_name like '%\\_ciphertext')
     order by table_name`);
  const strange = rows.find(({ hasId }) => !hasId);
  if (strange) throw new Error(`The table ${strange.name} holds sealed texts and has no column "id".`);
  return rows.map(({ name, columns }) => ({ name, columns }));
}

/** The next `limit` rows after an id, in the order of their ids. */
export async function readSealedRows(
  executor: SqlExecutor,
  { name, columns }: SealedTable,
  afterId: string,
  limit: number,
): Promise<SealedRow[]> {
  const { rows } = await executor.query<SealedRow>(
    `select id, array[${columns.map(quote).join(', ')}] as texts
       from ${quote(name)} where id > $1 order by id limit $2`,
    [afterId, limit],
  );
  return rows;
}

/** Those of the rows that there are still. */
export async function readSealedRowsById(
  executor: SqlExecutor,
  { name, columns }: SealedTable,
  ids: readonly string[],
): Promise<SealedRow[]> {
  const { rows } = await executor.query<SealedRow>(
    `select id, array[${columns.map(quote).join(', ')}] as texts
       from ${quote(name)} where id = any($1) order by id`,
    [ids],
  );
  return rows;
}

/**
 * Writes new texts into the rows that are still as they were read, in one statement. `updated_at` stays: nobody
 * changed anything.
 *
 * @returns the ids of those that were; the others were changed meanwhile and are left alone
 */
export async function writeSealedRows(
  executor: SqlExecutor,
  { name, columns }: SealedTable,
  rows: readonly ResealedRow[],
): Promise<string[]> {
  const read = columns.map((_, index) => `$${2 + index * 2}::text[]`);
  const written = columns.map((_, index) => `$${3 + index * 2}::text[]`);
  const result = await executor.query<{ id: string }>(
    `update ${quote(name)} t
        set ${columns.map((column, index) => `${quote(column)} = r.new${index}`).join(', ')}
       from unnest($1::text[], ${columns.map((_, index) => `${read[index]}, ${written[index]}`).join(', ')})
              as r(id, ${columns.map((_, index) => `old${index}, new${index}`).join(', ')})
      where t.id = r.id
        and ${columns.map((column, index) => `t.${quote(column)} is not distinct from r.old${index}`).join(' and ')}
      returning t.id`,
    [
      rows.map(({ id }) => id),
      ...columns.flatMap((_, index) => [
        rows.map(({ texts }) => texts[index]),
        rows.map(({ newTexts }) => newTexts[index]),
      ]),
    ],
  );
  return result.rows.map(({ id }) => id);
}

/** How many sealed texts there are under each key; `null` for texts that name none. */
export async function countSealedTextsByKey(
  executor: SqlExecutor,
): Promise<{ keyId: string | null; count: number }[]> {
  const tables = await listSealedTables(executor);
  const texts = tables.flatMap(({ name, columns }) =>
    columns.map((column) => `select ${quote(column)} as text from ${quote(name)}`),
  );
  if (texts.length === 0) return [];
  const { rows } = await executor.query<{ keyId: string | null; count: number }>(
    `select substring(text from '^v1\\.([0-9a-f]{8})\\.') as "keyId", count(*) as count
       from (${texts.join(' union all ')}) texts where text is not null group by 1 order by 1`,
  );
  return rows;
}

const quote = (name: string) => pg.escapeIdentifier(name);
