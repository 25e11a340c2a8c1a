import type pg from 'pg';

/** What of a database's shape a Prisma schema can say. Everything is text and sorted, for comparisons. */
export type Catalog = { columns: string[]; constraints: string[]; indexes: string[] };

/** Reads the schema `public`, without migration history, check constraints and partial indexes. */
export async function readCatalog(client: pg.ClientBase): Promise<Catalog> {
  const [columns, constraints, indexes] = [
    await client.query<{ line: string }>(COLUMNS),
    await client.query<{ line: string }>(CONSTRAINTS),
    await client.query<{ line: string }>(INDEXES),
  ].map(({ rows }) => rows.map((row) => row.line).sort());
  return { columns: columns ?? [], constraints: constraints ?? [], indexes: indexes ?? [] };
}

const OUR_TABLES = `class.relnamespace = 'public'::regnamespace and class.relkind = 'r'
  and class.relname <> '_prisma_migrations'`;

const COLUMNS = `
  select format('%s.%s %s%s default %s', class.relname, attname, format_type(atttypid, atttypmod),
                case when attnotnull then ' not null' else '' end, pg_get_expr(adbin, adrelid)) as line
  from pg_attribute join pg_class class on class.oid = attrelid
  left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attnum > 0 and not attisdropped and ${OUR_TABLES}`;

const CONSTRAINTS = `
  select format('%s %s %s', class.relname, conname, pg_get_constraintdef(con.oid)) as line
  from pg_constraint con join pg_class class on class.oid = conrelid
  where contype in ('p', 'u', 'f') and ${OUR_TABLES}`;

const INDEXES = `
  select pg_get_indexdef(indexrelid) as line
  from pg_index join pg_class class on class.oid = indrelid
  where indpred is null and ${OUR_TABLES}`;
