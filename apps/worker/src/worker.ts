import type { Database } from '@vendor-server/platform/database/create-database.ts';
import {
  createWatchedExecutor,
  startHeartbeat,
} from '@vendor-server/platform/database/create-watched-executor.ts';
import type { Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import { createMetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import type { MetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import type { WorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { startDeliveryConsumer } from '@vendor-server/platform/queue/delivery-consumer.ts';
import type { DeliveryQueue, DeliveryQueueOptions } from '@vendor-server/platform/queue/delivery-queue.ts';
import { createUseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import type { SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import type { Tracer } from '@vendor-server/platform/tracing/tracer.ts';
import type { Sender } from '@vendor-server/sender/create-sender.ts';
import { createTurns } from '@vendor-server/sender/create-turns.ts';
import type { Logger } from 'pino';
import { decideBackoffMs, processJob } from './consumer/process-job.ts';
import { countAttempts, stopConsumer } from './consumer/stop-consumer.ts';
import { type AttemptEnd, attemptDelivery } from './deliveries/attempt-delivery.ts';
import { createClaims } from './deliveries/create-claims.ts';
import { createEndpointHealthNotes } from './deliveries/note-endpoint-health.ts';
import { createRecorder } from './deliveries/record-attempt.ts';
import { createMetricsGate } from './health/create-metrics-gate.ts';
import { createReadiness } from './health/create-readiness.ts';
import { startHealthServer } from './health/start-health-server.ts';
import { createHoldRound } from './holds/create-hold-round.ts';
import { startHolds } from './holds/run-holds.ts';
import { createRelayTick } from './relay/relay-tick.ts';
import { startRelay } from './relay/run-relay.ts';
import { createReplayRound } from './replays/create-replay-round.ts';
import { startReplays } from './replays/run-replays.ts';
import { createSweep } from './sweeps/create-sweep.ts';
import { startSweeps } from './sweeps/run-sweeps.ts';

/** See attempt-delivery.ts. Of 160 that fail in one moment the last job ends, and comes back, 0.8 s later; of 1 000, 2 s. */
const FAILED_TURNS = { perTurn: 4, pauseMs: 20, oneIn: 32 };

/** Everything the worker works with. Made by `main.ts` and by tests, never by the worker itself. */
export interface WorkerDeps {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly database: Database;
  readonly queue: DeliveryQueue;
  readonly queueOptions: DeliveryQueueOptions;
  readonly dispatcher: Dispatcher;
  readonly secretBox: SecretBox;
  readonly sender: Sender;
  readonly tracer: Tracer;
  readonly registry: MetricsRegistry;
  readonly metrics: WorkerMetrics;
}

/**
 * Starts the relay, the replays, the holds, the sweeps, the consumer and the health endpoints, in this order; the lifecycle stops
 * them in reverse: no new job is taken, those in hand are finished and recorded, then the rest is let go.
 */
export async function startWorker(deps: WorkerDeps, lifecycle: Lifecycle): Promise<{ port: number }> {
  const { settings, logger, database, queue, dispatcher, queueOptions, registry, metrics } = deps;
  // The consumer's statements are watched too: its records are the calls that matter.
  const executor = createWatchedExecutor(database.pool);
  const readiness = createReadiness({ executor, queue });
  const metricsPage = createMetricsPage({
    registry,
    database,
    queue,
    readChecks: async () => (await readiness.report()).checks,
  });
  const claims = createClaims(executor, settings.webhookTimeoutMs);
  const recorder = createRecorder({ executor, dispatcher, logger });
  const endpointHealth = createEndpointHealthNotes({ database, logger });
  // A process that stops has no time to be gentle.
  const takeTurn = createTurns({ ...FAILED_TURNS, hurry: lifecycle.stopping });
  const relayTick = createRelayTick({ database, executor, queue, logger, metrics });

  const attempts = countAttempts(async (job): Promise<AttemptEnd> => {
    const end = await attemptDelivery({ ...deps, executor, claims, recorder, endpointHealth, takeTurn }, job);
    if (end.kind !== 'not_yet' && end.kind !== 'skipped') readiness.noteProgress();
    return end;
  });

  await lifecycle.start(
    'heartbeat',
    () => startHeartbeat(executor),
    (heartbeat) => heartbeat.stop(),
  );
  await lifecycle.start(
    'dispatcher',
    () => dispatcher,
    () => dispatcher.drain(),
  );
  await lifecycle.start(
    'relay',
    () => startRelay(database, relayTick, logger),
    (relay) => relay.stop(),
  );
  await lifecycle.start(
    'replays',
    () => startReplays(database, createReplayRound({ database, dispatcher, logger }), logger),
    (replays) => replays.stop(),
  );
  const holdRound = createHoldRound({
    database,
    dispatcher,
    metrics,
    logger,
    maxHoldMs: settings.webhookMaxHoldMs,
  });
  await lifecycle.start(
    'holds',
    () => startHolds(database, holdRound, logger),
    (holds) => holds.stop(),
  );
  await lifecycle.start(
    'sweeps',
    () => startSweeps(database, createSweep(deps), logger),
    (sweeps) => sweeps.stop(),
  );
  await lifecycle.start(
    'consumer',
    () =>
      startDeliveryConsumer({
        ...queueOptions,
        concurrency: settings.webhookConcurrency,
        backoffMs: decideBackoffMs,
        process: (job, token) =>
          processJob({ attempt: attempts.attempt, logger, stopping: lifecycle.stopping }, job, token),
      }),
    (consumer) => stopConsumer(consumer, attempts),
  );
  const useCounter = await lifecycle.start(
    'use counter',
    () => createUseCounter({ shared: null, logger }),
    (counter) => counter.close(),
  );
  const health = await lifecycle.start(
    'health server',
    () =>
      startHealthServer({
        host: settings.host,
        port: settings.workerPort,
        readiness,
        metricsPage,
        metricsGate: createMetricsGate({ settings, useCounter }),
      }),
    (server) => server.close(),
  );
  return { port: health.port };
}
