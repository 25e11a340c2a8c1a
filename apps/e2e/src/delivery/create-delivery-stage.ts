import { randomBytes } from 'node:crypto';
import type { AppDeps } from '@vendor-server/api/app-deps.ts';
import { createReadChecks } from '@vendor-server/api/health/create-read-checks.ts';
import { createOfferEvents } from '@vendor-server/api/offers/offer-events.ts';
import { changeOrderStatus } from '@vendor-server/api/orders/change-order-status.ts';
import { createOrder } from '@vendor-server/api/orders/create-order.ts';
import { createOrderReads } from '@vendor-server/api/orders/create-order-reads.ts';
import { createOrderWrites } from '@vendor-server/api/orders/create-order-writes.ts';
import { findAnyOrder } from '@vendor-server/api/orders/order-row-sql.ts';
import { createCredentials } from '@vendor-server/api/plugins/create-credentials.ts';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { createLifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import { createMetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { createDeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { createUseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  insertCustomerServer,
  insertEndpoint,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { NO_TRACER } from '@vendor-server/platform/tracing/tracer.ts';
import { createSender } from '@vendor-server/sender/create-sender.ts';
import { startWorker } from '@vendor-server/worker/worker.ts';

type NextStatus = 'pending' | 'assigned' | 'in_progress' | 'completed' | 'cancelled';

export interface StageEndpoint extends EndpointFixture {
  /** `whsec_…` */
  readonly signingSecret: string;
}

/** The API's changes and a worker in one process, over a real database, queue and network. */
export interface DeliveryStage {
  readonly database: Database;
  /** What the API works with here, for a test that calls its routes. */
  readonly api: AppDeps;
  /** Lines of API and worker, oldest first. */
  readonly logLines: readonly Record<string, unknown>[];
  addCustomerServer(): Promise<string>;
  addEndpoint(options: EndpointOptions): Promise<StageEndpoint>;
  /** Gives the new order's id. */
  createOrder(customerServerId: string): Promise<string>;
  /** A partner reports the order's next status. */
  change(orderId: string, to: NextStatus): Promise<void>;
  /** Resolves when nothing that changes handed over is still on its way to the queue. */
  drainChanges(): Promise<void>;
  startWorker(): Promise<StageWorker>;
  /** Stops the workers that run, and drops everything. */
  close(): Promise<void>;
}

export interface StageWorker {
  /** Where it serves its health and metrics. */
  readonly port: number;
  /** As the process does on SIGTERM. */
  stop(): Promise<'clean' | 'failed' | 'late'>;
}

export interface DeliveryStageOptions {
  /** Null: the queue lives in PostgreSQL. */
  readonly redisUrl: string | null;
  /** The way to the queue's database, where it is not the way to the others; given the database's own URL. */
  readonly toQueueDatabaseUrl?: (databaseUrl: string) => Promise<string>;
  readonly retryDelaysMs?: readonly number[];
}

const STOP_DEADLINE_MS = 15_000;

export async function createDeliveryStage(options: DeliveryStageOptions): Promise<DeliveryStage> {
  const { url, database, drop } = await createTestDatabase();
  const settings = loadSettings({
    DATABASE_URL: url,
    PORT: '0',
    LOG_LEVEL: 'debug',
    WEBHOOK_CONCURRENCY: '100',
    WEBHOOK_RETRY_DELAYS_MS: (options.retryDelaysMs ?? [100, 200, 300]).join(','),
  });
  const logLines: Record<string, unknown>[] = [];
  const logger = createLoggerTo(
    { write: (line) => void logLines.push(JSON.parse(line)) },
    { name: 'test', level: settings.logLevel },
  );
  const secretBox = createSecretBox({ current: settings.secretsEncryptionKey, previous: null });
  const databaseUrl = (await options.toQueueDatabaseUrl?.(url)) ?? url;
  const queueOptions = { redisUrl: options.redisUrl, databaseUrl, logger };
  const queue = createDeliveryQueue(queueOptions);
  const registry = createMetricsRegistry();
  const metrics = createApiMetrics(registry);
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: 100 });
  const sender = createSender({
    allowedNetworks: settings.webhookAllowedNetworks,
    maxConnectionsPerOrigin: 100,
  });
  const orderReads = createOrderReads(database.pool);
  const offerEvents = createOfferEvents();
  const credentials = createCredentials({ pool: database.pool, databaseUrl: url, logger });
  const useCounter = createUseCounter({ shared: null, logger });
  const readChecks = createReadChecks({ database, orderReads, queue });
  const api: AppDeps = {
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
    metricsPage: createMetricsPage({ registry, database, queue, readChecks }),
  };
  const context = { requestId: 'test-request', traceparent: null };
  const vendorId = createId();
  await database.prisma.vendor.create({ data: { id: vendorId, vendorName: 'Test vendor' } });
  const stops = new Set<StageWorker['stop']>();

  return {
    database,
    api,
    logLines,
    addCustomerServer: () => insertCustomerServer(database.pool),
    async addEndpoint(endpointOptions) {
      const signingSecret = createSigningSecret(randomBytes(32));
      const endpoint = await insertEndpoint(database.pool, {
        sealSigningSecret: (id) => secretBox.seal(signingSecret, id),
        ...endpointOptions,
      });
      return { ...endpoint, signingSecret };
    },
    async createOrder(customerServerId) {
      const place = { address: '123 Main Street', coordinates: [77.1025, 28.7041] as [number, number] };
      const input = { customerId: 'customer-1', pickup: place, drop: place, items: [], fare: 250 };
      const { body } = await createOrder(api, { customerServerId, input, idempotencyKey: null, context });
      return (JSON.parse(body) as { data: { orderId: string } }).data.orderId;
    },
    async change(orderId, to) {
      const actor = { type: 'partner', id: null } as const;
      await changeOrderStatus(api, {
        find: () => findAnyOrder(database.pool, orderId),
        request: () => ({ action: 'partner_report', to, actor, vendorId }),
        ...context,
      });
    },
    drainChanges: () => dispatcher.drain(),
    async startWorker() {
      const lifecycle = createLifecycle({ logger, stopDeadlineMs: STOP_DEADLINE_MS });
      const stop = () => lifecycle.stop('the test is over');
      stops.add(stop);
      const workerRegistry = createMetricsRegistry();
      const workerMetrics = createWorkerMetrics(workerRegistry);
      const ofWorker = { registry: workerRegistry, metrics: workerMetrics };
      const workerDispatcher = createDispatcher({
        database,
        queue,
        logger,
        metrics: workerMetrics,
        waitMs: 1_000,
      });
      const { port } = await startWorker(
        { ...api, ...ofWorker, dispatcher: workerDispatcher, queueOptions },
        lifecycle,
      );
      return { port, stop };
    },
    async close() {
      await Promise.all([...stops].map((stop) => stop()));
      await dispatcher.drain();
      await queue.close();
      await credentials.close();
      await sender.close();
      await drop();
    },
  };
}
