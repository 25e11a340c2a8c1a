import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeSettings } from './describe-settings.ts';
import {
  DEVELOPMENT_ADMIN_API_KEY,
  DEVELOPMENT_CUSTOMER_SERVER_SECRET,
  DEVELOPMENT_EXTERNAL_VENDOR_SECRET,
  DEVELOPMENT_SECRETS_ENCRYPTION_KEY,
} from './development-values.ts';
import { loadSettings } from './load-settings.ts';
import { SettingsError } from './settings-error.ts';

const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://vendor:test-database-password@db.example.com/vendor',
  EXTERNAL_VENDOR_SECRET: 'test-partner-secret-1',
  ADMIN_API_KEY: 'test-admin-key-1',
  SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('loadSettings', () => {
  test('needs nothing in development', () => {
    expect(loadSettings({})).toEqual({
      production: false,
      databaseUrl: null,
      redisUrl: null,
      dataDir: resolve('.data'),
      host: '127.0.0.1',
      port: 3000,
      workerPort: 3001,
      trustProxy: false,
      customerServerSecret: DEVELOPMENT_CUSTOMER_SERVER_SECRET,
      customerWebhookUrl: null,
      externalVendorSecrets: [DEVELOPMENT_EXTERNAL_VENDOR_SECRET],
      adminApiKeys: [DEVELOPMENT_ADMIN_API_KEY],
      secretsEncryptionKey: Buffer.from(DEVELOPMENT_SECRETS_ENCRYPTION_KEY, 'base64'),
      secretsEncryptionKeyPrevious: null,
      webhookTimeoutMs: 10_000,
      webhookRetryDelaysMs: [1_000, 2_000, 3_000],
      webhookConcurrency: 1_024,
      webhookMaxHoldMs: 259_200_000,
      webhookAllowedNetworks: ['127.0.0.0/8', '::1/128'],
      webhookAllowHttp: true,
      orderOfferTtlMs: null,
      retentionDays: 30,
      retentionOrdersDays: null,
      rateLimitPerMinute: 60_000,
      rateLimitVendorPerMinute: 6_000,
      rateLimitWrongCredentialsPerMinute: 30,
      debugWebhooks: false,
      logLevel: 'info',
      logFile: resolve('.data/vendor-server.log'),
      otlpEndpoint: null,
      otlpHeaders: {},
    });
  });

  test('production has no default customer server, reaches public addresses by https only, logs to stdout', () => {
    expect(loadSettings(PRODUCTION)).toMatchObject({
      production: true,
      customerServerSecret: null,
      customerWebhookUrl: null,
      webhookAllowedNetworks: [],
      webhookAllowHttp: false,
      logFile: null,
    });
  });

  test.each(['Production', 'prod', 'staging'])('NODE_ENV=%s does not quietly mean development', (value) => {
    expect(faultsOf({ NODE_ENV: value })).toEqual([expect.stringContaining('NODE_ENV')]);
  });

  test('a credential with a space, which no caller could present, is refused', () => {
    expect(faultsOf({ ADMIN_API_KEY: 'test key' })).toEqual([expect.stringContaining('ADMIN_API_KEY')]);
  });

  test('production names everything it misses in one message', () => {
    expect(faultsOf({ NODE_ENV: 'production' }).map((fault) => fault.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'EXTERNAL_VENDOR_SECRET',
      'ADMIN_API_KEY',
      'SECRETS_ENCRYPTION_KEY',
    ]);
  });

  test.each([
    { CUSTOMER_SERVER_SECRET: DEVELOPMENT_CUSTOMER_SERVER_SECRET },
    { EXTERNAL_VENDOR_SECRET: DEVELOPMENT_EXTERNAL_VENDOR_SECRET },
    { EXTERNAL_VENDOR_SECRET: `test-partner-secret-1,${DEVELOPMENT_EXTERNAL_VENDOR_SECRET}` },
    { ADMIN_API_KEY: DEVELOPMENT_ADMIN_API_KEY },
    { SECRETS_ENCRYPTION_KEY: DEVELOPMENT_SECRETS_ENCRYPTION_KEY },
    { SECRETS_ENCRYPTION_KEY_PREVIOUS: DEVELOPMENT_SECRETS_ENCRYPTION_KEY },
  ])('production refuses the development value of %j', (env) => {
    const faults = faultsOf({ ...PRODUCTION, ...env });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${Object.keys(env)[0]} is still the development value`);
  });

  test('production refuses a webhook URL without its customer server', () => {
    const url = { CUSTOMER_WEBHOOK_URL: 'https://customer.example.com/updates' };
    expect(faultsOf({ ...PRODUCTION, ...url })).toEqual([
      expect.stringContaining('needs CUSTOMER_SERVER_SECRET'),
    ]);
    expect(faultsOf({ ...PRODUCTION, ...url, CUSTOMER_SERVER_SECRET: 'test-customer-secret-1' })).toEqual([]);
  });

  test('blank means unset', () => {
    expect(loadSettings({ PORT: '', REDIS_URL: ' ', CUSTOMER_WEBHOOK_URL: '' })).toEqual(loadSettings({}));
  });

  test('reads every kind of value', () => {
    expect(
      loadSettings({
        PORT: '0',
        TRUST_PROXY: '10.0.0.0/8, ::1',
        EXTERNAL_VENDOR_SECRET: 'test-partner-secret-1, test-partner-secret-2',
        ADMIN_API_KEY: 'test-admin-key-1,test-admin-key-2',
        SECRETS_ENCRYPTION_KEY_PREVIOUS: Buffer.alloc(32, 7).toString('base64'),
        WEBHOOK_RETRY_DELAYS_MS: '100, 86400000',
        WEBHOOK_ALLOWED_NETWORKS: '192.168.0.0/16,fd00::/8',
        WEBHOOK_ALLOW_HTTP: 'false',
        DEBUG_WEBHOOKS: '1',
        ORDER_OFFER_TTL_MS: '60000',
        RETENTION_ORDERS_DAYS: 'off',
        RATE_LIMIT_PER_MINUTE: '0',
        LOG_LEVEL: 'debug',
        LOG_FILE: '/tmp/test-vendor-server.log',
        REDIS_URL: 'rediss://user:test-redis-password@redis.example.com:6380/1',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      }),
    ).toMatchObject({
      port: 0,
      workerPort: 0,
      trustProxy: ['10.0.0.0/8', '::1'],
      externalVendorSecrets: ['test-partner-secret-1', 'test-partner-secret-2'],
      adminApiKeys: ['test-admin-key-1', 'test-admin-key-2'],
      secretsEncryptionKeyPrevious: Buffer.alloc(32, 7),
      webhookRetryDelaysMs: [100, 86_400_000],
      webhookAllowedNetworks: ['192.168.0.0/16', 'fd00::/8'],
      webhookAllowHttp: false,
      debugWebhooks: true,
      orderOfferTtlMs: 60_000,
      retentionOrdersDays: null,
      rateLimitPerMinute: 0,
      logLevel: 'debug',
      logFile: '/tmp/test-vendor-server.log',
      redisUrl: 'rediss://user:test-redis-password@redis.example.com:6380/1',
      otlpEndpoint: 'http://127.0.0.1:4318',
    });
  });

  test.each<[string, string]>([
    ['DATABASE_URL', 'mysql://localhost/test'],
    ['DATABASE_URL', 'not a url'],
    ['REDIS_URL', 'http://localhost'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3000.5'],
    ['PORT', '1e3'],
    ['PORT', '65535'],
    ['WORKER_PORT', '3000'],
    ['TRUST_PROXY', 'maybe'],
    ['CUSTOMER_SERVER_SECRET', 'test-secret-é'],
    ['CUSTOMER_SERVER_SECRET', 'x'.repeat(513)],
    ['CUSTOMER_WEBHOOK_URL', 'ftp://customer.example.com/'],
    ['CUSTOMER_WEBHOOK_URL', 'https://user:test-password@customer.example.com/'],
    ['CUSTOMER_WEBHOOK_URL', 'customer.example.com'],
    ['CUSTOMER_WEBHOOK_URL', 'https://customer.example.com:25/'],
    ['EXTERNAL_VENDOR_SECRET', 'test-1,test-2,test-3'],
    ['ADMIN_API_KEY', 'test-\u0000key'],
    ['SECRETS_ENCRYPTION_KEY', 'dG9vIHNob3J0'],
    ['SECRETS_ENCRYPTION_KEY', `${'A'.repeat(43)}!`],
    ['SECRETS_ENCRYPTION_KEY_PREVIOUS', 'AAAA'],
    ['WEBHOOK_TIMEOUT_MS', '99'],
    ['WEBHOOK_TIMEOUT_MS', '10001'],
    ['WEBHOOK_RETRY_DELAYS_MS', '1000,soon'],
    ['WEBHOOK_RETRY_DELAYS_MS', Array(11).fill('1000').join(',')],
    ['WEBHOOK_CONCURRENCY', '0'],
    ['WEBHOOK_ALLOWED_NETWORKS', '10.0.0.0/33'],
    ['WEBHOOK_ALLOWED_NETWORKS', '10.0.0.0/8,everything'],
    ['WEBHOOK_ALLOW_HTTP', 'perhaps'],
    ['RETENTION_DAYS', '0'],
    ['LOG_LEVEL', 'loud'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://localhost'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=1,b c=2'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%0d%0a'],
  ])('refuses %s=%j', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(name === 'PORT' && value === '65535' ? 'WORKER_PORT' : name);
  });

  test('takes any port of CUSTOMER_WEBHOOK_URL on a host of an allowed network', () => {
    const CUSTOMER_WEBHOOK_URL = 'http://127.0.0.1:1/hook';
    expect(loadSettings({ CUSTOMER_WEBHOOK_URL }).customerWebhookUrl).toBe(CUSTOMER_WEBHOOK_URL);
    const closed = faultsOf({ CUSTOMER_WEBHOOK_URL, WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8, all' });
    expect(closed.toSorted()).toEqual([
      'CUSTOMER_WEBHOOK_URL must not use port 1, which is not for HTTP.',
      expect.stringMatching(/^WEBHOOK_ALLOWED_NETWORKS .* not one: all\.$/),
    ]);
  });

  test('lists all faults at once and quotes no secret', () => {
    const secret = 'test-sécret';
    const env = {
      DATABASE_URL: `oracle://user:${secret}@localhost`,
      REDIS_URL: `amqp://user:${secret}@localhost`,
      PORT: 'http',
      CUSTOMER_SERVER_SECRET: secret,
      CUSTOMER_WEBHOOK_URL: `ftp://localhost/?key=${secret}`,
      EXTERNAL_VENDOR_SECRET: secret,
      ADMIN_API_KEY: secret,
      SECRETS_ENCRYPTION_KEY: secret,
      SECRETS_ENCRYPTION_KEY_PREVIOUS: secret,
      OTEL_EXPORTER_OTLP_ENDPOINT: `ws://user:${secret}@localhost`,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secret}`,
    };
    const faults = faultsOf(env);
    expect(faults).toHaveLength(Object.keys(env).length);
    const { message } = new SettingsError(faults);
    for (const name of Object.keys(env)) expect(message).toContain(name);
    expect(message).not.toContain(secret);
  });
});

describe('describeSettings', () => {
  test('shows what is in effect without any secret', () => {
    const settings = loadSettings({
      ...PRODUCTION,
      CUSTOMER_SERVER_SECRET: 'test-customer-secret-1',
      CUSTOMER_WEBHOOK_URL: 'https://customer.example.com/updates?key=test-url-key',
      ADMIN_API_KEY: 'test-admin-key-1,test-admin-key-2',
      REDIS_URL: 'rediss://redis.example.com/3?password=test-redis-password',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://test-token@collector.example.com/otlp?key=test-key',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20test-collector-token',
    });
    const lines = describeSettings(settings);
    expect(lines).toContain('PORT=3000');
    expect(lines).toContain('DATABASE_URL=postgresql://vendor:[redacted]@db.example.com/vendor');
    expect(lines).toContain('CUSTOMER_WEBHOOK_URL=https://customer.example.com/…');
    expect(lines).toContain('REDIS_URL=rediss://redis.example.com/3?password=[redacted]');
    expect(lines).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=https://collector.example.com/…');
    expect(lines).toContain('OTEL_EXPORTER_OTLP_HEADERS=set');
    expect(settings.otlpHeaders).toEqual({ authorization: 'Bearer test-collector-token' });
    expect(lines).toContain('CUSTOMER_SERVER_SECRET=set');
    expect(lines).toContain('ADMIN_API_KEY=set (2 values)');
    expect(lines).toContain('SECRETS_ENCRYPTION_KEY_PREVIOUS=not set');
    expect(lines.join('\n')).not.toMatch(/test-|[A-Za-z0-9+/]{43}=/);
  });

  test('says when a development value is in effect', () => {
    expect(describeSettings(loadSettings({}))).toContain('ADMIN_API_KEY=development value');
  });
});
