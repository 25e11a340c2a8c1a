import type { Settings } from '../settings/settings.ts';
import { secretsEqual } from './hash-secret.ts';
import { readAuthorization } from './read-authorization.ts';

/** How an operator proves who it is, in `www-authenticate`: a browser asks for user and password. */
export const OPERATOR_CHALLENGE = 'Basic realm="Vendor Server", charset="UTF-8"';
export const MISSING_OPERATOR_CREDENTIAL = 'Authentication required: Missing Authorization header';
export const WRONG_OPERATOR_CREDENTIAL = 'Authentication failed: Invalid operator credential';

/**
 * Looks at an `Authorization` header: `Bearer <ADMIN_API_KEY>`, or HTTP Basic with the user `admin` and the key as
 * its password. In constant time.
 */
export function checkOperatorCredential(
  { adminApiKeys }: Pick<Settings, 'adminApiKeys'>,
  header: string | undefined,
): 'right' | 'wrong' | 'missing' {
  const given = readAuthorization(header);
  if (given === null) return 'missing';
  const isKnownUser = given.scheme === 'bearer' || given.user === 'admin';
  return isOneOfSecrets(adminApiKeys, given.secret) && isKnownUser ? 'right' : 'wrong';
}

/** Compares with every secret, also after one fitted. */
export function isOneOfSecrets(secrets: readonly string[], given: string): boolean {
  return secrets.map((secret) => secretsEqual(secret, given)).includes(true);
}
