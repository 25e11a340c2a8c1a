import type { Prisma } from '../generated/prisma/client.ts';
import { hashSecret } from '../secrets/hash-secret.ts';
import type { SecretBox } from '../secrets/secret-box.ts';

/** How long both secrets are accepted when nothing else is asked for. */
export const DEFAULT_OVERLAP_HOURS = 24;

export interface SecretRotation {
  customerServerId: string;
  /** The secret that replaces the current one. */
  secret: string;
  /** 0 replaces it at once. */
  overlapHours: number;
}

/**
 * Gives a customer server a new secret, within the caller's transaction. For `overlapHours` by the database's
 * clock the old one is accepted too, and webhooks go on carrying the old one: the receiver knows it for sure,
 * and may not know the new one yet. A secret that an earlier rotation had left over is dropped.
 */
export async function rotateCustomerServerSecret(
  transaction: Prisma.TransactionClient,
  secretBox: SecretBox,
  { customerServerId, secret, overlapHours }: SecretRotation,
): Promise<void> {
  const secretHash = hashSecret(secret);
  const ciphertext = secretBox.seal(secret, customerServerId);
  const hasOverlap = overlapHours > 0;
  await transaction.$executeRaw`
    update customer_servers set
      previous_secret_hash = case when ${hasOverlap} then secret_hash end,
      previous_secret_ciphertext = case when ${hasOverlap} then secret_ciphertext end,
      secret_overlap_until = case when ${hasOverlap} then now() + make_interval(hours => ${overlapHours}::int) end,
      outbound_secret = case when ${hasOverlap} then 'previous' else 'current' end,
      secret_hash = ${secretHash},
      secret_ciphertext = ${ciphertext},
      updated_at = date_trunc('milliseconds', now())
    where id = ${customerServerId}`;
}
