import { createSecret } from '@vendor-server/platform/secrets/create-secret.ts';

/** A new vendor API key; the prefix lets people and secret scanners recognise it. */
export function createApiKey(): string {
  return `vk_${createSecret()}`;
}
