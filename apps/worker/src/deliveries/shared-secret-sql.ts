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
 * Lets outbound requests stay with the secret that a receiver accepted, for as long as it overlaps with another. Waits
 * for nobody: whoever has the customer server in hand may be changing its secrets.
 *
 * @returns which one that is now; null when they carried it already, it is none of the two, the overlap is over, or
 *   somebody holds the customer server's row
 */
export async function adoptSharedSecret(
  executor: SqlExecutor,
  customerServerId: string,
  acceptedHash: string,
): Promise<'current' | 'previous' | null> {
  const { rows } = await executor.query<{ adopted: 'current' | 'previous' }>({
    name: 'adopt-shared-secret',
    text: `with found as (
             select id, case when secret_hash = $2 then 'current' else 'previous' end as accepted
               from customer_servers
              where id = $1 and secret_overlap_until > clock_timestamp() and $2 in (secret_hash, previous_secret_hash)
                for no key update skip locked
           )
           update customer_servers s set outbound_secret = f.accepted
             from found f
            where s.id = f.id and s.outbound_secret <> f.accepted
           returning s.outbound_secret as adopted`,
    values: [customerServerId, acceptedHash],
  });
  return rows[0]?.adopted ?? null;
}
