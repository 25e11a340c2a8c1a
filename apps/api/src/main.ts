/** The API process: takes orders and status changes, and hands their announcements over to the queue. */

import { applyDefaultCustomerServer } from '@vendor-server/platform/customer-servers/apply-default-customer-server.ts';
import { retryWhileDatabaseIsAway } from '@vendor-server/platform/database/wait-for-database.ts';
import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { runProcess } from '@vendor-server/platform/lifecycle/run-process.ts';
import { startDatabase } from '@vendor-server/platform/lifecycle/start-database.ts';
import { createLoggerOrExit } from '@vendor-server/platform/logging/create-logger-or-exit.ts';
import { createApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import { createMetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createDeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { waitForQueue } from '@vendor-server/platform/queue/wait-for-queue.ts';
import { createUseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import { connectSharedCounts } from '@vendor-server/platform/rate-limits/shared-counts.ts';
import { reportStoredKeys } from '@vendor-server/platform/secrets/report-stored-keys.ts';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import { describeSettings } from '@vendor-server/platform/settings/describe-settings.ts';
import { loadSettingsOrExit } from '@vendor-server/platform/settings/load-settings-or-exit.ts';
import { createTracer } from '@vendor-server/platform/tracing/create-tracer.ts';
import { createSender } from '@vendor-server/sender/create-sender.ts';
import { buildApp } from './app.ts';
import type { AppDeps } from './app-deps.ts';
import { createReadChecks } from './health/create-read-checks.ts';
import { createSharedOfferEvents } from './offers/create-shared-offer-events.ts';
import { startOfferExpiry } from './offers/start-offer-expiry.ts';
import { createOrderReads } from './orders/create-order-reads.ts';
import { createOrderWrites } from './orders/create-order-writes.ts';
import { createCredentials } from './plugins/create-credentials.ts';

/**
 * Requests in flight have this long to finish: all but the slowest statement, and nothing that waits longer. Whoever
 * stops a process is promised 15 s.
 */
const STOP_DEADLINE_MS = 14_000;
/** A request takes about a millisecond of each statement; the rest is for those that wait for a key. */
const MAX_CONNECTIONS = 16;
/**
 * For the few statements that most requests come to, which wait for nobody (looks for a second at most): a flood of lists, or
 * of changes of one order that somebody holds, keeps no other change waiting. What does wait uses the others: what is held,
 * what replaces something at an endpoint that wants the latest only, and new orders with a key.
 */
const MAX_ORDER_CONNECTIONS = 8;
/** How long a caller waits for the queue after its change has committed. */
const DISPATCH_WAIT_MS = 100;
/** How long a start waits for the queue to connect; without it the relay adds the jobs. */
const QUEUE_START_WAIT_MS = 500;
/** Webhook tests are the only requests that the API sends. */
const MAX_TEST_CONNECTIONS_PER_ORIGIN = 16;

const settings = loadSettingsOrExit(process.env);
const logger = createLoggerOrExit(settings, { name: 'api' });

await runProcess({
  logger,
  stopDeadlineMs: STOP_DEADLINE_MS,
  async start(lifecycle) {
    logger.info({ settings: describeSettings(settings) }, 'API starting');
    const tracer = await lifecycle.start(
      'tracer',
      () =>
        createTracer({
          endpoint: settings.otlpEndpoint,
          headers: settings.otlpHeaders,
          serviceName: 'vendor-server-api',
          logger,
        }),
      (started) => started.stop(),
    );
    const { database, databaseUrl } = await startDatabase(lifecycle, {
      settings,
      logger,
      applicationName: 'vendor-server-api',
      maxConnections: MAX_CONNECTIONS,
    });
    const { database: orders } = await startDatabase(lifecycle, {
      part: 'database of orders',
      settings,
      logger,
      applicationName: 'vendor-server-api',
      maxConnections: MAX_ORDER_CONNECTIONS,
      plansOnce: true,
    });
    const secretBox = createSecretBox({
      current: settings.secretsEncryptionKey,
      previous: settings.secretsEncryptionKeyPrevious,
    });
    await retryWhileDatabaseIsAway(
      async () => {
        await reportStoredKeys(database.pool, secretBox, logger);
        await applyDefaultCustomerServer(database, settings, secretBox, logger);
      },
      logger,
      lifecycle.stopping,
    );

    const queue = await lifecycle.start(
      'queue',
      () => createDeliveryQueue({ redisUrl: settings.redisUrl, databaseUrl, logger }),
      (started) => started.close(),
    );
    await waitForQueue(queue, QUEUE_START_WAIT_MS);
    const registry = createMetricsRegistry();
    const metrics = createApiMetrics(registry);
    const dispatcher = await lifecycle.start(
      'dispatcher',
      () => createDispatcher({ database: orders, queue, logger, metrics, waitMs: DISPATCH_WAIT_MS }),
      (started) => started.drain(),
    );
    const sender = await lifecycle.start(
      'sender',
      () =>
        createSender({
          allowedNetworks: settings.webhookAllowedNetworks,
          maxConnectionsPerOrigin: MAX_TEST_CONNECTIONS_PER_ORIGIN,
        }),
      (started) => started.close(),
    );
    const { redisUrl } = settings;
    const useCounter = await lifecycle.start(
      'use counter',
      () =>
        createUseCounter({
          shared: redisUrl === null ? null : connectSharedCounts(redisUrl, logger),
          logger,
        }),
      (started) => started.close(),
    );
    const offerEvents = await lifecycle.start(
      'offer events',
      () => createSharedOfferEvents({ pool: database.pool, databaseUrl, logger }),
      (started) => started.close(),
    );
    const credentials = await lifecycle.start(
      'credentials',
      () => createCredentials({ pool: database.pool, databaseUrl, logger }),
      (started) => started.close(),
    );
    const orderReads = createOrderReads(orders.pool);
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
      orderWrites: createOrderWrites({ pool: orders.pool, waiting: database.pool }),
      credentials,
      useCounter,
      secretBox,
      metrics,
      metricsPage,
      tracer,
      sender,
    };
    await lifecycle.start(
      'offer expiry',
      () => startOfferExpiry(deps),
      (started) => started?.stop(),
    );
    const app = await lifecycle.start(
      'app',
      () => buildApp(deps),
      // Takes who has connected, stops listening, answers what is in flight, and closes the connections.
      async (started) => {
        await started.takeConnected();
        await started.close();
      },
    );
    const url = await app.listen({ host: settings.host, port: settings.port });
    logger.info({ url }, 'API ready');
  },
});
