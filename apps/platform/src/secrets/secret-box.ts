import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/**
 * Encrypts secrets at rest. A sealed text is `v1.<key id>.<nonce>.<ciphertext and tag>`, the last two in
 * base64url: it names its key, so that texts under the previous key stay readable while keys rotate.
 */
export interface SecretBox {
  /** Name the keys that texts can be opened with; a sealed text holds the name of its own. */
  readonly keyIds: { readonly current: string; readonly previous: string | null };
  /** Encrypts with the current key. `associatedData` is the id of the row that will hold the text. */
  seal(plain: string, associatedData: string): string;
  /**
   * Decrypts a text sealed for the same `associatedData`, with the current or the previous key.
   * @throws SecretBoxError when the text is damaged, belongs to another row, or its key is not configured.
   */
  open(sealed: string, associatedData: string): string;
  /** Whether the text says of itself that the current key sealed it. */
  isCurrent(sealed: string): boolean;
}

export class SecretBoxError extends Error {
  override readonly name = 'SecretBoxError';
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
/** 96 bits, the size NIST SP 800-38D section 8.2.2 recommends for random nonces. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/**
 * Makes a box over two AES-256-GCM keys of 32 bytes each. The row's id is authenticated with every text:
 * a ciphertext copied from one customer server's row to another's does not open there.
 */
export function createSecretBox(keys: { current: Buffer; previous: Buffer | null }): SecretBox {
  const current = { id: toKeyId(keys.current), key: keys.current };
  const readable = new Map([[current.id, current.key]]);
  if (keys.previous) readable.set(toKeyId(keys.previous), keys.previous);

  return {
    keyIds: { current: current.id, previous: keys.previous && toKeyId(keys.previous) },

    isCurrent: (sealed) => sealed.startsWith(`${VERSION}.${current.id}.`),

    seal(plain, associatedData) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(associatedData, 'utf8'));
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, current.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
    },

    open(sealed, associatedData) {
      const [version, keyId = '', nonceText = '', bodyText = '', ...rest] = sealed.split('.');
      const nonce = Buffer.from(nonceText, 'base64url');
      const body = Buffer.from(bodyText, 'base64url');
      if (version !== VERSION || rest.length > 0 || nonce.length !== NONCE_BYTES || body.length < TAG_BYTES) {
        throw new SecretBoxError('A stored secret is not in the form this program seals secrets in.');
      }
      const key = readable.get(keyId);
      if (!key) {
        throw new SecretBoxError(
          `A stored secret was sealed with key ${keyId}, which is neither SECRETS_ENCRYPTION_KEY nor SECRETS_ENCRYPTION_KEY_PREVIOUS.`,
        );
      }
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(associatedData, 'utf8'));
      decipher.setAuthTag(body.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()]).toString(
          'utf8',
        );
      } catch (cause) {
        throw new SecretBoxError('A stored secret was changed or belongs to another row.', { cause });
      }
    },
  };
}

/** Names a key without revealing it: 32 bits of a hash that is used for nothing else. */
function toKeyId(key: Buffer): string {
  if (key.length !== KEY_BYTES) throw new SecretBoxError(`An encryption key must have ${KEY_BYTES} bytes.`);
  return createHash('sha256').update('vendor-server secret box key id').update(key).digest('hex').slice(0, 8);
}
