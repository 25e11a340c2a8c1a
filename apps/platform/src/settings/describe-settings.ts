import { redactUrlPassword } from '../logging/redact.ts';
import { toLoggableUrl } from '../logging/to-loggable-url.ts';
import {
  DEVELOPMENT_ADMIN_API_KEY,
  DEVELOPMENT_CUSTOMER_SERVER_SECRET,
  DEVELOPMENT_EXTERNAL_VENDOR_SECRET,
  DEVELOPMENT_SECRETS_ENCRYPTION_KEY,
} from './development-values.ts';
import type { Settings } from './settings.ts';

/**
 * The effective settings for the log, each as `VARIABLE=value`. Of secrets it says only whether they are set,
 * how many there are, and whether they are the public development values.
 */
export function describeSettings(settings: Settings): string[] {
  return Object.entries(toDescriptions(settings)).map(
    ([name, value]) => `${name}=${String(value ?? 'not set')}`,
  );
}

type Description = string | number | boolean | null | readonly (string | number)[];

function toDescriptions(settings: Settings): Record<string, Description> {
  const previousKey = settings.secretsEncryptionKeyPrevious;
  return {
    NODE_ENV: settings.production ? 'production' : 'development',
    DATABASE_URL: settings.databaseUrl === null ? 'embedded' : redactUrlPassword(settings.databaseUrl),
    REDIS_URL: settings.redisUrl === null ? null : redactUrlPassword(settings.redisUrl),
    VENDOR_SERVER_DATA_DIR: settings.dataDir,
    HOST: settings.host,
    PORT: settings.port,
    WORKER_PORT: settings.workerPort,
    TRUST_PROXY: settings.trustProxy,
    CUSTOMER_SERVER_SECRET: describeSecrets(
      settings.customerServerSecret === null ? [] : [settings.customerServerSecret],
      DEVELOPMENT_CUSTOMER_SERVER_SECRET,
    ),
    CUSTOMER_WEBHOOK_URL:
      settings.customerWebhookUrl === null ? null : toLoggableUrl(settings.customerWebhookUrl),
    EXTERNAL_VENDOR_SECRET: describeSecrets(
      settings.externalVendorSecrets,
      DEVELOPMENT_EXTERNAL_VENDOR_SECRET,
    ),
    ADMIN_API_KEY: describeSecrets(settings.adminApiKeys, DEVELOPMENT_ADMIN_API_KEY),
    SECRETS_ENCRYPTION_KEY: describeSecrets(
      [settings.secretsEncryptionKey.toString('base64')],
      DEVELOPMENT_SECRETS_ENCRYPTION_KEY,
    ),
    SECRETS_ENCRYPTION_KEY_PREVIOUS: describeSecrets(
      previousKey === null ? [] : [previousKey.toString('base64')],
      DEVELOPMENT_SECRETS_ENCRYPTION_KEY,
    ),
    WEBHOOK_TIMEOUT_MS: settings.webhookTimeoutMs,
    WEBHOOK_RETRY_DELAYS_MS: settings.webhookRetryDelaysMs,
    WEBHOOK_CONCURRENCY: settings.webhookConcurrency,
    WEBHOOK_MAX_HOLD_MS: settings.webhookMaxHoldMs,
    WEBHOOK_ALLOWED_NETWORKS: settings.webhookAllowedNetworks,
    WEBHOOK_ALLOW_HTTP: settings.webhookAllowHttp,
    ORDER_OFFER_TTL_MS: settings.orderOfferTtlMs ?? 'off',
    RETENTION_DAYS: settings.retentionDays,
    RETENTION_ORDERS_DAYS: settings.retentionOrdersDays ?? 'off',
    RATE_LIMIT_PER_MINUTE: settings.rateLimitPerMinute,
    RATE_LIMIT_VENDOR_PER_MINUTE: settings.rateLimitVendorPerMinute,
    RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: settings.rateLimitWrongCredentialsPerMinute,
    DEBUG_WEBHOOKS: settings.debugWebhooks,
    LOG_LEVEL: settings.logLevel,
    LOG_FILE: settings.logFile,
    // Collectors take tokens as a user's name, in the path, or in the query.
    OTEL_EXPORTER_OTLP_ENDPOINT: settings.otlpEndpoint === null ? null : toLoggableUrl(settings.otlpEndpoint),
    OTEL_EXPORTER_OTLP_HEADERS: Object.keys(settings.otlpHeaders).length > 0 ? 'set' : null,
  };
}

function describeSecrets(values: readonly string[], developmentValue: string): string {
  const [value] = values;
  if (value === undefined) return 'not set';
  if (values.length > 1) return `set (${values.length} values)`;
  return value === developmentValue ? 'development value' : 'set';
}
