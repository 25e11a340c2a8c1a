import { randomBytes } from 'node:crypto';
import { createSecret } from '@vendor-server/platform/secrets/create-secret.ts';

export interface ProductionEnvOptions {
  readonly searchPath: string;
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  readonly adminKey: string;
}

/** Callers are counted as in production, and none comes to its limit. */
const OUT_OF_REACH = '10000000';

/** What API and workers are started with: production, but that its customers' servers are on this machine. */
export function buildProductionEnv({
  searchPath,
  databaseUrl,
  redisUrl,
  adminKey,
}: ProductionEnvOptions): Record<string, string> {
  return {
    PATH: searchPath,
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    ...(redisUrl !== null && { REDIS_URL: redisUrl }),
    ADMIN_API_KEY: adminKey,
    EXTERNAL_VENDOR_SECRET: createSecret(),
    SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    WEBHOOK_ALLOW_HTTP: 'true',
    WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
    RATE_LIMIT_PER_MINUTE: OUT_OF_REACH,
    RATE_LIMIT_VENDOR_PER_MINUTE: OUT_OF_REACH,
  };
}
