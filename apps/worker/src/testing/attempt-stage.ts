import { randomBytes } from 'node:crypto';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createWatchedExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import { createDispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import {
  createMetricsRegistry,
  type MetricsRegistry,
} from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics, type RelayWork } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  insertEndpoint,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { NO_TRACER } from '@vendor-server/platform/tracing/tracer.ts';
import type { SendRequest } from '@vendor-server/sender/create-sender.ts';
import { createTurns } from '@vendor-server/sender/create-turns.ts';
import type { AttemptDeps } from '../deliveries/attempt-delivery.ts';
import { createClaims } from '../deliveries/create-claims.ts';
import { createEndpointHealthNotes } from '../deliveries/note-endpoint-health.ts';
import { createRecorder } from '../deliveries/record-attempt.ts';
import { createRelayTick } from '../relay/relay-tick.ts';
import { answered } from './attempt-results.ts';
import { createQueueDouble, type QueueDouble } from './queue-double.ts';

/** What a test does in the place of the customer's server. */
export type Answer = (request: SendRequest) => AttemptResult | Promise<AttemptResult>;

/** The parts of a worker with the queue and the network in the test's hands; the database is real. */
export interface AttemptStage {
  readonly deps: AttemptDeps;
  readonly queue: QueueDouble;
  readonly sent: SendRequest[];
  readonly registry: MetricsRegistry;
  readonly logLines: readonly Record<string, unknown>[];
  insertEndpoint(options?: EndpointOptions): Promise<EndpointFixture>;
  /** The next requests get these answers, each once; further ones 200. */
  answer(...answers: (Answer | AttemptResult)[]): void;
  /** A tick of a relay whose database has been calm, and the claims free, for as long as it asks for. */
  relayTick(): Promise<RelayWork>;
  /** Lets time go by for the relay, by which it tells a job that is stuck from one that is on its way. */
  advanceRelayClock(ms: number): void;
}

export function createAttemptStage(database: Database): AttemptStage {
  const secretBox = createSecretBox({ current: randomBytes(32), previous: null });
  const queue = createQueueDouble();
  const sent: SendRequest[] = [];
  const registry = createMetricsRegistry();
  const metrics = createWorkerMetrics(registry);
  const logLines: Record<string, unknown>[] = [];
  const logger = createLoggerTo(
    { write: (line) => void logLines.push(JSON.parse(line)) },
    { name: 'test', level: 'trace' },
  );
  const answers: (Answer | AttemptResult)[] = [];
  const executor = { ...createWatchedExecutor(database.pool), isCalmFor: () => true };
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: 5_000 });
  let clock = 0;

  return {
    queue,
    sent,
    logLines,
    registry,
    deps: {
      executor,
      claims: createClaims(executor, 10_000),
      secretBox,
      logger,
      metrics,
      recorder: createRecorder({ executor, dispatcher, logger }),
      endpointHealth: createEndpointHealthNotes({ database, logger }),
      tracer: NO_TRACER,
      takeTurn: createTurns({ perTurn: 4, pauseMs: 1, oneIn: 4 }),
      dispatcher,
      settings: {
        webhookRetryDelaysMs: [1_000, 2_000, 3_000],
        debugWebhooks: false,
      },
      sender: {
        async send(request) {
          sent.push(request);
          const next = answers.shift() ?? answered(200);
          return typeof next === 'function' ? next(request) : next;
        },
        async close() {},
      },
    },
    insertEndpoint: (options = {}) =>
      insertEndpoint(database.pool, {
        sealSigningSecret: (id) => secretBox.seal(createSigningSecret(randomBytes(24)), id),
        ...options,
      }),
    answer: (...more) => void answers.push(...more),
    relayTick: createRelayTick({
      database,
      executor,
      queue,
      logger,
      metrics,
      now: () => clock,
      claimRestMs: 0,
    }),
    advanceRelayClock(ms) {
      clock += ms;
    },
  };
}
