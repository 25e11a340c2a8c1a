import { createCustomerServer } from '@vendor-server/platform/customer-servers/create-customer-server.ts';
import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import { createMetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import type { DeliveryJobRequest } from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { createQueueInspector } from '@vendor-server/platform/queue/queue-inspector.ts';
import { createUseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import { connectSharedCounts } from '@vendor-server/platform/rate-limits/shared-counts.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import { createTestDatabase, type TestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { NO_TRACER } from '@vendor-server/platform/tracing/tracer.ts';
import { createSender } from '@vendor-server/sender/create-sender.ts';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from '../app.ts';
import type { AppDeps } from '../app-deps.ts';
import { createReadChecks } from '../health/create-read-checks.ts';
import { createSharedOfferEvents } from '../offers/create-shared-offer-events.ts';
import { createOrderReads } from '../orders/create-order-reads.ts';
import { createOrderWrites } from '../orders/create-order-writes.ts';
import { createCredentials } from '../plugins/create-credentials.ts';
import { watchAnswers } from './watch-answers.ts';

export const OPERATOR_KEY = 'test-admin-key-1';
export const PARTNER_SECRET = 'test-partner-secret-1';

type Headers = Record<string, string>;

export interface TestVendor {
  readonly id: string;
  readonly apiKeyHash: string;
  readonly headers: Headers;
}

export interface TestApi {
  readonly app: FastifyInstance;
  readonly deps: AppDeps;
  readonly database: Database;
  /** URL of the database, for connections of a test's own. */
  readonly databaseUrl: string;
  /** What was added to the queue, oldest first. */
  readonly jobs: DeliveryJobRequest[];
  /** The log's lines, oldest first. */
  readonly logLines: string[];
  readonly operator: Headers;
  /** Each operation that was answered, with the status: `createOrder 201`. */
  readonly answered: ReadonlySet<string>;
  /** A customer server that nothing else uses, and the headers that prove it. */
  addCustomerServer(webhookUrl?: string): Promise<{ id: string; secret: string; headers: Headers }>;
  /** A vendor that nothing else uses, online unless said otherwise. */
  addVendor(vendor?: { services?: string[]; online?: boolean }): Promise<TestVendor>;
  /** Fails when an answer was not as the API reference says. */
  close(): Promise<void>;
}

export interface TestApiParts {
  /** Instead of the list `jobs`; closed by whoever gives it. */
  readonly openQueue?: (logger: Logger, databaseUrl: string) => DeliveryQueue;
  /** How long callers are remembered. */
  readonly credentialMaxAgeMs?: number;
}

/**
 * The app that ships, on a database of its own; only the queue is a list.
 *
 * @param sibling the new one is another process on its database, and to be closed before it
 */
export async function createTestApi(
  env: Record<string, string> = {},
  sibling: TestApi | null = null,
  { openQueue, credentialMaxAgeMs }: TestApiParts = {},
): Promise<TestApi> {
  const { url, database, drop } =
    sibling === null ? await createTestDatabase() : openDatabaseOf(sibling.databaseUrl);
  const settings = loadSettings({
    DATABASE_URL: url,
    ADMIN_API_KEY: OPERATOR_KEY,
    EXTERNAL_VENDOR_SECRET: PARTNER_SECRET,
    LOG_LEVEL: 'debug',
    ...env,
  });
  const logLines: string[] = [];
  const logger = createLoggerTo(
    { write: (line) => void logLines.push(line) },
    { name: 'api', level: settings.logLevel },
  );
  const jobs: DeliveryJobRequest[] = [];
  const queue = openQueue?.(logger, url) ?? createListQueue(jobs);
  const secretBox = createSecretBox({ current: settings.secretsEncryptionKey, previous: null });
  const sender = createSender({
    allowedNetworks: settings.webhookAllowedNetworks,
    maxConnectionsPerOrigin: 4,
  });
  const registry = createMetricsRegistry();
  const metrics = createApiMetrics(registry);
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: 1_000 });
  const offerEvents = createSharedOfferEvents({ pool: database.pool, databaseUrl: url, logger });
  const credentials = createCredentials({
    pool: database.pool,
    databaseUrl: url,
    logger,
    ...(credentialMaxAgeMs !== undefined && { maxAgeMs: credentialMaxAgeMs }),
  });
  const { redisUrl } = settings;
  const useCounter = createUseCounter({
    shared: redisUrl === null ? null : connectSharedCounts(redisUrl, logger),
    logger,
  });
  const orderReads = createOrderReads(database.pool);
  const readChecks = createReadChecks({ database, orderReads, queue });
  const metricsPage = createMetricsPage({ registry, database, queue, readChecks });
  const deps: AppDeps = {
    settings,
    logger,
    database,
    queue,
    dispatcher,
    offerEvents,
    orderReads,
    orderWrites: createOrderWrites({ pool: database.pool, waiting: database.pool }),
    credentials,
    useCounter,
    tracer: NO_TRACER,
    secretBox,
    sender,
    metrics,
    metricsPage,
  };
  const app = buildApp(deps);
  const { answered, assertDocumented } = watchAnswers(app);

  return {
    app,
    deps,
    database,
    databaseUrl: url,
    jobs,
    logLines,
    answered,
    operator: { authorization: `Bearer ${OPERATOR_KEY}` },
    async addCustomerServer(webhookUrl) {
      const { customerServerId, secret } = await database.prisma.$transaction((transaction) =>
        createCustomerServer(transaction, secretBox, {
          name: 'Test customer server',
          webhookUrl: webhookUrl ?? null,
        }),
      );
      return { id: customerServerId, secret, headers: { 'x-customer-secret': secret } };
    },
    async addVendor({ services = [], online = true } = {}) {
      const id = createId();
      const apiKey = `test-vendor-key-${id}`;
      const apiKeyHash = hashSecret(apiKey);
      await database.prisma.vendor.create({
        data: {
          id,
          vendorName: 'Test vendor',
          mobile: '+910000000000',
          selectedServices: services,
          apiKeyHash,
          onlineUntil: online ? new Date(Date.now() + 3_600_000) : null,
        },
      });
      return { id, apiKeyHash, headers: { authorization: `Bearer ${apiKey}` } };
    },
    async close() {
      await app.close();
      await offerEvents.close();
      await credentials.close();
      await dispatcher.drain();
      await sender.close();
      useCounter.close();
      await drop();
      assertDocumented();
    },
  };
}

function openDatabaseOf(url: string): Pick<TestDatabase, 'url' | 'database' | 'drop'> {
  const database = createDatabase({ url, applicationName: 'test', maxConnections: 10 });
  return { url, database, drop: () => database.close() };
}

function createListQueue(jobs: DeliveryJobRequest[]): DeliveryQueue {
  return {
    async add(added) {
      jobs.push(...added);
    },
    stateOf: async () => 'live',
    counts: async () => ({ waiting: jobs.length, active: 0, delayed: 0, completed: 0, failed: 0 }),
    ping: async () => undefined,
    inspector: createQueueInspector(() => Promise.reject(new Error('nobody looks into this queue'))),
    close: async () => undefined,
  };
}
