import { randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

/** A new random credential (256 bits) of 43 characters that need no quoting in headers, URLs and shells. */
export function createSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
