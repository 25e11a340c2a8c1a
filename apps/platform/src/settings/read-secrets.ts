import type { EnvironmentReader } from './environment-reader.ts';
import { splitList } from './environment-reader.ts';

/** Longer values would not fit into a header that every receiver takes. */
const MAX_CREDENTIAL_LENGTH = 512;
const ENCRYPTION_KEY_BYTES = 32;

interface CredentialRule {
  /** Refused in production; used elsewhere when nothing is set. */
  developmentValue: string;
  production: boolean;
}

/**
 * One secret that travels in an HTTP header. Unset: null in production, else the development value.
 * Faults never quote the value.
 */
export function readOptionalCredential(
  reader: EnvironmentReader,
  name: string,
  { developmentValue, production }: CredentialRule,
): string | null {
  const value = reader.text(name);
  if (value === null) return production ? null : developmentValue;
  checkCredential(reader, name, value, { developmentValue, production });
  return value;
}

/** One or two comma-separated secrets; two while callers move from one to the other. Required in production. */
export function readCredentials(
  reader: EnvironmentReader,
  name: string,
  { developmentValue, production }: CredentialRule,
): readonly string[] {
  const values = splitList(reader.text(name) ?? '');
  if (values.length === 0) {
    if (production) reader.fault(`${name} is required in production.`);
    return [developmentValue];
  }
  if (values.length > 2) reader.fault(`${name} takes at most two comma-separated values.`);
  for (const value of values) checkCredential(reader, name, value, { developmentValue, production });
  return values;
}

/** A key of 32 bytes in base64. Required in production. */
export function readEncryptionKey(
  reader: EnvironmentReader,
  name: string,
  { developmentValue, production }: CredentialRule,
): Buffer {
  const value = reader.text(name);
  if (value === null && production) {
    reader.fault(
      `${name} is required in production: 32 random bytes in base64, as "openssl rand -base64 32" prints.`,
    );
  }
  return parseEncryptionKey(reader, name, value ?? developmentValue, { developmentValue, production });
}

/** As `readEncryptionKey`, where unset means null. */
export function readOptionalEncryptionKey(
  reader: EnvironmentReader,
  name: string,
  rule: CredentialRule,
): Buffer | null {
  const value = reader.text(name);
  return value === null ? null : parseEncryptionKey(reader, name, value, rule);
}

function checkCredential(reader: EnvironmentReader, name: string, value: string, rule: CredentialRule): void {
  if (rule.production && value === rule.developmentValue) {
    reader.fault(`${name} is still the development value, which is public: production refuses it.`);
  }
  if (value.length > MAX_CREDENTIAL_LENGTH || !/^[\x21-\x7e]+$/.test(value)) {
    reader.fault(
      `${name} must be 1 to ${MAX_CREDENTIAL_LENGTH} printable ASCII characters without spaces: it travels in a header.`,
    );
  }
}

function parseEncryptionKey(
  reader: EnvironmentReader,
  name: string,
  value: string,
  rule: CredentialRule,
): Buffer {
  const key = Buffer.from(value, 'base64');
  // Buffer.from skips what is not base64, so only the way back shows that nothing was skipped.
  if (key.length !== ENCRYPTION_KEY_BYTES || key.toString('base64') !== value) {
    reader.fault(
      `${name} must be ${ENCRYPTION_KEY_BYTES} bytes in base64, as "openssl rand -base64 32" prints.`,
    );
  }
  if (rule.production && reader.text(name) === rule.developmentValue) {
    reader.fault(`${name} is still the development value, which is public: production refuses it.`);
  }
  return key;
}
