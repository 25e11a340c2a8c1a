import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Found } from './create-memory.ts';

/** The id of the customer server whose current secret this is, or whose previous one while the two overlap. */
export async function findCustomerServerBySecretHash(
  executor: SqlExecutor,
  secretHash: string,
): Promise<Found<string> | null> {
  const { rows } = await executor.query<Found<string>>({
    name: 'find-customer-server-by-secret-hash',
    text: `
      select id as value, null::float8 as "holdsMs" from customer_servers where secret_hash = $1
      union all
      select id, extract(epoch from secret_overlap_until - now())::float8 * 1000 from customer_servers
       where previous_secret_hash = $1 and secret_overlap_until > now()
      limit 1`,
    values: [secretHash],
  });
  return rows[0] ?? null;
}

/** The id of the vendor whose API key this is. */
export async function findVendorByApiKeyHash(
  executor: SqlExecutor,
  apiKeyHash: string,
): Promise<Found<string> | null> {
  const { rows } = await executor.query<{ value: string }>({
    name: 'find-vendor-by-api-key-hash',
    text: 'select id as value from vendors where api_key_hash = $1',
    values: [apiKeyHash],
  });
  const [row] = rows;
  return row === undefined ? null : { value: row.value, holdsMs: null };
}
