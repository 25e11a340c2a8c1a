import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * SHA-256 of a secret as 64 lower-case hex characters: what inbound credentials are looked up by.
 * A plain hash is enough because these secrets are long and random, never chosen passwords.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether two secrets are the same, in a time that depends on neither their content nor where they differ. */
export function secretsEqual(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}
