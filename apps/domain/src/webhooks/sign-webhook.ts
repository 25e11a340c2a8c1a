import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/**
 * The `webhook-signature` header of Standard Webhooks 1.0: `v1,` and the base64 of an HMAC-SHA256 over
 * `<id>.<timestamp>.<body>`, once for each secret, separated by spaces, so that a receiver that knows either
 * secret of a rotation accepts it. `timestampSeconds` is Unix time in whole seconds, as in `webhook-timestamp`.
 *
 * @throws Error when there is no secret or one is not `whsec_` and the base64 of 24 to 64 bytes; the message
 *   does not show it.
 */
export function signWebhook(
  secrets: readonly string[],
  id: string,
  timestampSeconds: number,
  body: string,
): string {
  if (secrets.length === 0) throw new Error('a webhook needs at least one signing secret');
  const signed = `${id}.${timestampSeconds}.${body}`;
  return secrets
    .map((secret) => `v1,${createHmac('sha256', toKey(secret)).update(signed).digest('base64')}`)
    .join(' ');
}

/**
 * A signing secret in the form of Standard Webhooks 1.0, from 24 to 64 random bytes.
 *
 * @throws RangeError when the number of bytes is another.
 */
export function createSigningSecret(random: Uint8Array): string {
  if (!isKeyLength(random.length)) throw new RangeError('a signing secret takes 24 to 64 random bytes');
  return SECRET_PREFIX + Buffer.from(random).toString('base64');
}

function toKey(secret: string): Buffer {
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : '';
  const key = Buffer.from(encoded, 'base64');
  // Buffer skips what is not base64 instead of refusing it: a damaged secret would sign with another key.
  if (!isKeyLength(key.length) || key.toString('base64') !== encoded) {
    throw new Error('a signing secret must be whsec_ and the base64 of 24 to 64 bytes');
  }
  return key;
}

function isKeyLength(bytes: number): boolean {
  return bytes >= MIN_KEY_BYTES && bytes <= MAX_KEY_BYTES;
}
