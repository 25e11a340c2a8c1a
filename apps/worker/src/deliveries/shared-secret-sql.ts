/**
 * What a receiver's answers say of two shared secrets that overlap. Secrets are told apart by their hashes: which of
 * them is the current one may change while a request is on its way.
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Whether a customer server has a secret that may be sent to it now and is none of `triedHashes`. */
export async function hasUntriedSecret(
  executor: SqlExecutor,
  customerServerId: string,
  triedHashes: readonly string[],
): Promise<boolean> {
  const { rows } = await executor.query<{ found: boolean }>({
    name: 'has-untried-secret',
    text: `select secret_hash <> all($2::text[])
                  or coalesce(secret_overlap_until > clock_timestamp() and previous_secret_hash <> all($2::text[]), false)
                  as found
             from customer_servers where id = $1`,
    values: [customerServerId, triedHashes],
  });
  return rows[0]?.found ?? false;
}

/**
 * Lets outbound requests stay with the secret that a receiver accepted, for as long as it overlaps with another.
 *
 * @returns which one that is now; null when they carried it already, it is none of the two, or the overlap is over
 */
export async function adoptSharedSecret(
  executor: SqlExecutor,
  customerServerId: string,
  acceptedHash: string,
): Promise<'current' | 'previous' | null> {
  const { rows } = await executor.query<{ adopted: 'current' | 'previous' }>({
    name: 'adopt-shared-secret',
    text: `update customer_servers
              set outbound_secret = case when secret_hash = $2 then 'current' else 'previous' end
            where id = $1 and secret_overlap_until > clock_timestamp()
              and $2 in (secret_hash, previous_secret_hash)
              and outbound_secret <> case when secret_hash = $2 then 'current' else 'previous' end
           returning outbound_secret as adopted`,
    values: [customerServerId, acceptedHash],
  });
  return rows[0]?.adopted ?? null;
}
