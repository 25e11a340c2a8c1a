import { randomBytes } from 'node:crypto';

/** A vendor's API key: 256 random bits; the prefix lets people and secret scanners recognise it. */
export function createApiKey(): string {
  return `vk_${randomBytes(32).toString('base64url')}`;
}
