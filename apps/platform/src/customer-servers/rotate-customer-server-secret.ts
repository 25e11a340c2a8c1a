import type { Prisma } from '../generated/prisma/client.ts';
import { hashSecret } from '../secrets/hash-secret.ts';
import type { SecretBox } from '../secrets/secret-box.ts';

/** How long both secrets are accepted when nothing else is asked for. */
export const DEFAULT_OVERLAP_HOURS = 24;

export interface SecretRotation {
  customerServerId: string;
  /** The secret that replaces the current one. */
  secret: string;
  /** 0 replaces it at once; may be a fraction. */
  overlapHours: number;
}

export interface RotatedSecret {
  name: string;
  /** Until then the old secret is accepted too; null when it was replaced at once. */
  overlapUntil: Date | null;
}

/**
 * Gives a customer server a new secret. For `overlapHours` by the database's
 * clock the old one is accepted too, and webhooks go on carrying the old one: the receiver knows it for sure,
 * and may not know the new one yet. A secret that an earlier rotation had left over is dropped.
 *
 * One statement: of two rotations at once the later one replaces the secret of the earlier one.
 *
 * @returns null when there is no such customer server
 */
export async function rotateCustomerServerSecret(
  executor: Pick<Prisma.TransactionClient, '$queryRaw'>,
  secretBox: SecretBox,
  { customerServerId, secret, overlapHours }: SecretRotation,
): Promise<RotatedSecret | null> {
  const secretHash = hashSecret(secret);
  const ciphertext = secretBox.seal(secret, customerServerId);
  const hasOverlap = overlapHours > 0;
  const rows = await executor.$queryRaw<RotatedSecret[]>`
    update customer_servers set
      previous_secret_hash = case when ${hasOverlap} then secret_hash end,
      previous_secret_ciphertext = case when ${hasOverlap} then secret_ciphertext end,
      secret_overlap_until =
        case when ${hasOverlap} then clock_timestamp() + ${overlapHours}::float8 * interval '1 hour' end,
      outbound_secret = case when ${hasOverlap} then 'previous' else 'current' end,
      secret_hash = ${secretHash},
      secret_ciphertext = ${ciphertext},
      updated_at = date_trunc('milliseconds', clock_timestamp())
    where id = ${customerServerId}
    returning name, secret_overlap_until as "overlapUntil"`;
  return rows[0] ?? null;
}

/**
 * Ends a rotation before its overlap is over: from then on the old secret is refused, and webhooks carry the
 * new one. Changes nothing when no rotation is under way.
 *
 * @returns null when there is no such customer server
 */
export async function completeSecretRotation(
  executor: Pick<Prisma.TransactionClient, '$queryRaw'>,
  customerServerId: string,
): Promise<{ name: string } | null> {
  const rows = await executor.$queryRaw<{ name: string }[]>`
    update customer_servers set
      previous_secret_hash = null,
      previous_secret_ciphertext = null,
      secret_overlap_until = null,
      outbound_secret = 'current',
      updated_at = case when previous_secret_hash is null then updated_at
                        else date_trunc('milliseconds', clock_timestamp()) end
    where id = ${customerServerId}
    returning name`;
  return rows[0] ?? null;
}
