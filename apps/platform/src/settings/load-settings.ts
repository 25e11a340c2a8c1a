import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { checkEndpointUrl, type EndpointUrlRules } from '@vendor-server/domain/endpoints/endpoint-url.ts';
import {
  DEVELOPMENT_ADMIN_API_KEY,
  DEVELOPMENT_ALLOWED_NETWORKS,
  DEVELOPMENT_CUSTOMER_SERVER_SECRET,
  DEVELOPMENT_EXTERNAL_VENDOR_SECRET,
  DEVELOPMENT_SECRETS_ENCRYPTION_KEY,
} from './development-values.ts';
import { EnvironmentReader, parseBoolean, splitList } from './environment-reader.ts';
import { readHeaders } from './read-headers.ts';
import { isNetwork, readNetworks } from './read-networks.ts';
import {
  readCredentials,
  readEncryptionKey,
  readOptionalCredential,
  readOptionalEncryptionKey,
} from './read-secrets.ts';
import type { Settings } from './settings.ts';
import { LOG_LEVELS } from './settings.ts';
import { SettingsError } from './settings-error.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** As for an endpoint of its own: the sender's connect limit and the worker's time to stop rely on it. */
const MAX_WEBHOOK_TIMEOUT_MS = 10_000;
const MAX_PORT = 65_535;
const PORT_RANGE = { min: 0, max: MAX_PORT };
const RATE_RANGE = { min: 0, max: 10_000_000 };
/** The log file's name under the data directory when nothing else is configured. */
const EMBEDDED_LOG_FILE = 'vendor-server.log';

const NODE_ENVIRONMENTS = ['development', 'test', 'production'] as const;

/**
 * Reads and checks every setting.
 * @throws SettingsError that names all faults at once, without the value of any secret.
 */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  const reader = new EnvironmentReader(env);
  // "Production" or "prod" must not quietly mean development, with its public secrets.
  const production = reader.oneOf('NODE_ENV', NODE_ENVIRONMENTS, 'development') === 'production';
  const settings: Settings = {
    production,
    ...readStores(reader, production),
    ...readListeners(reader),
    ...readSecrets(reader, production),
    ...readWebhooks(reader, production),
    orderOfferTtlMs: reader.optionalInteger('ORDER_OFFER_TTL_MS', { min: 1_000, max: 365 * DAY_MS }),
    retentionDays: reader.integer('RETENTION_DAYS', 30, { min: 1, max: 36_500 }),
    retentionOrdersDays: reader.optionalInteger('RETENTION_ORDERS_DAYS', { min: 1, max: 36_500 }),
    rateLimitPerMinute: reader.integer('RATE_LIMIT_PER_MINUTE', 60_000, RATE_RANGE),
    rateLimitVendorPerMinute: reader.integer('RATE_LIMIT_VENDOR_PER_MINUTE', 6_000, RATE_RANGE),
    rateLimitWrongCredentialsPerMinute: reader.integer(
      'RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE',
      30,
      RATE_RANGE,
    ),
    logLevel: reader.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    otlpEndpoint: reader.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http', 'https']),
    otlpHeaders: readHeaders(reader, 'OTEL_EXPORTER_OTLP_HEADERS'),
  };
  if (reader.faults.length > 0) throw new SettingsError(reader.faults);
  return settings;
}

function readStores(reader: EnvironmentReader, production: boolean) {
  const databaseUrl = reader.url('DATABASE_URL', ['postgresql', 'postgres']);
  const isEmbedded = reader.text('DATABASE_URL') === null;
  if (isEmbedded && production) {
    reader.fault('DATABASE_URL is required in production: only development runs on an embedded PostgreSQL.');
  }
  const dataDir = resolve(reader.text('VENDOR_SERVER_DATA_DIR') ?? '.data');
  const logFile = reader.text('LOG_FILE') ?? (isEmbedded ? resolve(dataDir, EMBEDDED_LOG_FILE) : null);
  return {
    databaseUrl,
    redisUrl: reader.url('REDIS_URL', ['redis', 'rediss']),
    dataDir,
    logFile: logFile === null ? null : resolve(logFile),
  };
}

function readListeners(reader: EnvironmentReader) {
  const port = reader.integer('PORT', 3000, PORT_RANGE);
  const defaultWorkerPort = port === 0 ? 0 : port + 1;
  const workerPort = reader.integer('WORKER_PORT', defaultWorkerPort, PORT_RANGE);
  if (workerPort > MAX_PORT) {
    reader.fault(`WORKER_PORT must be set when PORT is ${port}: its default, PORT + 1, is not a port.`);
  } else if (workerPort === port && port !== 0) {
    reader.fault(`WORKER_PORT must differ from PORT; both are ${port}.`);
  }
  return { host: reader.text('HOST') ?? '127.0.0.1', port, workerPort, trustProxy: readTrustProxy(reader) };
}

function readTrustProxy(reader: EnvironmentReader): boolean | readonly string[] {
  const value = reader.text('TRUST_PROXY');
  if (value === null) return false;
  const everybody = parseBoolean(value);
  if (everybody !== null) return everybody;
  const proxies = splitList(value);
  if (!proxies.every((proxy) => isIP(proxy) !== 0 || isNetwork(proxy))) {
    reader.fault(
      `TRUST_PROXY must be on, off, or comma-separated addresses and CIDRs of proxies, not "${value}".`,
    );
  }
  return proxies;
}

function readSecrets(reader: EnvironmentReader, production: boolean) {
  const customerServerSecret = readOptionalCredential(reader, 'CUSTOMER_SERVER_SECRET', {
    developmentValue: DEVELOPMENT_CUSTOMER_SERVER_SECRET,
    production,
  });
  const encryptionKeyRule = { developmentValue: DEVELOPMENT_SECRETS_ENCRYPTION_KEY, production };
  return {
    customerServerSecret,
    externalVendorSecrets: readCredentials(reader, 'EXTERNAL_VENDOR_SECRET', {
      developmentValue: DEVELOPMENT_EXTERNAL_VENDOR_SECRET,
      production,
    }),
    adminApiKeys: readCredentials(reader, 'ADMIN_API_KEY', {
      developmentValue: DEVELOPMENT_ADMIN_API_KEY,
      production,
    }),
    secretsEncryptionKey: readEncryptionKey(reader, 'SECRETS_ENCRYPTION_KEY', encryptionKeyRule),
    secretsEncryptionKeyPrevious: readOptionalEncryptionKey(
      reader,
      'SECRETS_ENCRYPTION_KEY_PREVIOUS',
      encryptionKeyRule,
    ),
  };
}

function readWebhooks(reader: EnvironmentReader, production: boolean) {
  const webhookAllowHttp = reader.boolean('WEBHOOK_ALLOW_HTTP', !production);
  const webhookAllowedNetworks = readNetworks(
    reader,
    'WEBHOOK_ALLOWED_NETWORKS',
    production ? [] : DEVELOPMENT_ALLOWED_NETWORKS,
  );
  const urlRules = { allowHttp: webhookAllowHttp, allowedNetworks: webhookAllowedNetworks };
  return {
    customerWebhookUrl: readWebhookUrl(reader, urlRules, production),
    webhookTimeoutMs: reader.integer('WEBHOOK_TIMEOUT_MS', 10_000, {
      min: 100,
      max: MAX_WEBHOOK_TIMEOUT_MS,
    }),
    webhookRetryDelaysMs: reader.integers('WEBHOOK_RETRY_DELAYS_MS', [1_000, 2_000, 3_000], {
      min: 100,
      max: DAY_MS,
      maxCount: 10,
    }),
    webhookConcurrency: reader.integer('WEBHOOK_CONCURRENCY', 1_024, { min: 1, max: 65_536 }),
    webhookMaxHoldMs: reader.integer('WEBHOOK_MAX_HOLD_MS', 3 * DAY_MS, { min: 1_000, max: 365 * DAY_MS }),
    webhookAllowedNetworks,
    webhookAllowHttp,
    debugWebhooks: reader.boolean('DEBUG_WEBHOOKS', false),
  };
}

function readWebhookUrl(
  reader: EnvironmentReader,
  rules: EndpointUrlRules,
  production: boolean,
): string | null {
  const url = reader.text('CUSTOMER_WEBHOOK_URL');
  if (url === null) return null;
  const check = checkEndpointUrl(url, rules);
  if (!check.ok) reader.fault(`CUSTOMER_WEBHOOK_URL ${check.reason}.`);
  if (production && reader.text('CUSTOMER_SERVER_SECRET') === null) {
    reader.fault(
      'CUSTOMER_WEBHOOK_URL needs CUSTOMER_SERVER_SECRET: without it there is no default customer server.',
    );
  }
  return url;
}
