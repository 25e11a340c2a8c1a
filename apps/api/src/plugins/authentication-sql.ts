import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** The customer server whose current secret this is, or whose previous one while the two overlap. */
export async function findCustomerServerBySecretHash(
  executor: SqlExecutor,
  secretHash: string,
): Promise<{ id: string; name: string } | null> {
  const { rows } = await executor.query<{ id: string; name: string }>({
    name: 'find-customer-server-by-secret-hash',
    text: `
      select id, name from customer_servers where secret_hash = $1
      union all
      select id, name from customer_servers where previous_secret_hash = $1 and secret_overlap_until > now()
      limit 1`,
    values: [secretHash],
  });
  return rows[0] ?? null;
}

export async function findVendorByApiKeyHash(
  executor: SqlExecutor,
  apiKeyHash: string,
): Promise<{ id: string } | null> {
  const { rows } = await executor.query<{ id: string }>({
    name: 'find-vendor-by-api-key-hash',
    text: 'select id from vendors where api_key_hash = $1',
    values: [apiKeyHash],
  });
  return rows[0] ?? null;
}
