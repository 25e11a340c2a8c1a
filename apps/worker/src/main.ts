/** The worker process: attempts deliveries and repairs what got lost. */

import { retryWhileDatabaseIsAway } from '@vendor-server/platform/database/wait-for-database.ts';
import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { runProcess } from '@vendor-server/platform/lifecycle/run-process.ts';
import { startDatabase } from '@vendor-server/platform/lifecycle/start-database.ts';
import { createLoggerOrExit } from '@vendor-server/platform/logging/create-logger-or-exit.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { createDeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { reportStoredKeys } from '@vendor-server/platform/secrets/report-stored-keys.ts';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import { describeSettings } from '@vendor-server/platform/settings/describe-settings.ts';
import { loadSettingsOrExit } from '@vendor-server/platform/settings/load-settings-or-exit.ts';
import { createTracer } from '@vendor-server/platform/tracing/create-tracer.ts';
import { createSender } from '@vendor-server/sender/create-sender.ts';
import { boundHeapGrowth } from './bound-heap-growth.ts';
import { startWorker } from './worker.ts';

/**
 * Work in flight has this long to finish: a request's time-out (10 s), its body (2 s), and its record. Without its
 * database a worker holds answers until then, and whoever stops it is promised 15 s.
 */
const STOP_DEADLINE_MS = 14_000;
/** Claims, records and promotions take about a millisecond each: more connections would only wait for CPUs. */
const MAX_CONNECTIONS = 16;
/** How long the end of an attempt waits for the queue before it goes on behind. */
const DISPATCH_WAIT_MS = 1_000;

boundHeapGrowth();
const settings = loadSettingsOrExit(process.env);
const logger = createLoggerOrExit(settings, { name: 'worker' });

await runProcess({
  logger,
  stopDeadlineMs: STOP_DEADLINE_MS,
  async start(lifecycle) {
    logger.info({ settings: describeSettings(settings) }, 'Worker starting');
    const tracer = await lifecycle.start(
      'tracer',
      () =>
        createTracer({
          endpoint: settings.otlpEndpoint,
          headers: settings.otlpHeaders,
          serviceName: 'vendor-server-worker',
          logger,
        }),
      (started) => started.stop(),
    );
    const { database, databaseUrl } = await startDatabase(lifecycle, {
      settings,
      logger,
      applicationName: 'vendor-server-worker',
      maxConnections: MAX_CONNECTIONS,
      walksIndexes: true,
      plansOnce: true,
    });

    const queueOptions = { redisUrl: settings.redisUrl, databaseUrl, logger };
    const queue = await lifecycle.start(
      'queue',
      () => createDeliveryQueue(queueOptions),
      (started) => started.close(),
    );
    const sender = await lifecycle.start(
      'sender',
      () =>
        createSender({
          allowedNetworks: settings.webhookAllowedNetworks,
          maxConnectionsPerOrigin: settings.webhookConcurrency,
        }),
      (started) => started.close(),
    );
    const secretBox = createSecretBox({
      current: settings.secretsEncryptionKey,
      previous: settings.secretsEncryptionKeyPrevious,
    });
    await retryWhileDatabaseIsAway(
      () => reportStoredKeys(database.pool, secretBox, logger),
      logger,
      lifecycle.stopping,
    );
    const registry = createMetricsRegistry();
    const metrics = createWorkerMetrics(registry);
    const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: DISPATCH_WAIT_MS });
    const { port } = await startWorker(
      {
        settings,
        logger,
        database,
        queue,
        queueOptions,
        dispatcher,
        secretBox,
        sender,
        registry,
        metrics,
        tracer,
      },
      lifecycle,
    );
    logger.info({ host: settings.host, port, concurrency: settings.webhookConcurrency }, 'Worker ready');
  },
});
