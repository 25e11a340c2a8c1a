/**
 * The consumer of the delivery queue: how a worker connects to it and takes its jobs, on either backend. It
 * waits for ever for a queue that is away, because it has nothing else to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createPostgresBackend,
  createRedisBackend,
  type Job,
  type PostgresConnectionOptions,
  type Processor,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import type { DeliveryJobData } from './delivery-job.ts';
import { DELIVERY_QUEUE_NAME, type DeliveryQueueOptions } from './delivery-queue.ts';
import { EagerWorker } from './eager-worker.ts';
import { createQueuePool, openOnPostgres } from './postgres-queue-connection.ts';

/** After a connection error a consumer waits this long before it asks again. */
const RECONNECT_PAUSE_MS = 1_000;

export interface DeliveryConsumerOptions extends DeliveryQueueOptions {
  /** Deliveries in flight in this process. */
  readonly concurrency: number;
  /** What it gives stays on the job, for operators. */
  readonly process: (job: Job<DeliveryJobData, string | null>, token: string) => Promise<string | null>;
  /** Wait in ms before BullMQ runs a job again that threw `error` in its `attemptsMade`th run. */
  readonly backoffMs: (error: Error | undefined, attemptsMade: number) => number;
}

export interface DeliveryConsumer {
  /** Takes no new job; resolves when those in hand are done. */
  drain(): Promise<void>;
  /** Lets go of the connections; after `drain`, or when its deadline passed. */
  close(): Promise<void>;
}

type DeliveryProcessor = Processor<DeliveryJobData, string | null>;
type SharedWorkerOptions = Omit<WorkerOptions, 'connection'>;

/** Starts to take jobs at once. Waits for the queue as long as it is away. */
export function startDeliveryConsumer(options: DeliveryConsumerOptions): DeliveryConsumer {
  const process: DeliveryProcessor = (job, token) => options.process(job, token ?? '');
  const workerOptions: SharedWorkerOptions = {
    concurrency: options.concurrency,
    // BullMQ fails a job for good after this many crashes of its worker (default 1); Postgres decides that.
    maxStalledCount: 1_000_000,
    // A killed worker's lane goes on within 20 s: 12 s until its lock ends, 4 s until somebody looks.
    lockDuration: 12_000,
    stalledInterval: 4_000,
    // BullMQ's default would be 15 s.
    runRetryDelay: RECONNECT_PAUSE_MS,
    settings: {
      backoffStrategy: (attemptsMade: number, _type?: string, error?: Error) =>
        options.backoffMs(error, attemptsMade),
    },
  };
  return options.redisUrl === null
    ? startPostgresConsumer(options, process, workerOptions)
    : startRedisConsumer(options, options.redisUrl, process, workerOptions);
}

function startRedisConsumer(
  options: DeliveryConsumerOptions,
  redisUrl: string,
  process: DeliveryProcessor,
  workerOptions: SharedWorkerOptions,
): DeliveryConsumer {
  const connection = new Redis(redisUrl, {
    maxRetriesPerRequest: null,
    // Longer than the 10 s for which BullMQ's longest command blocks.
    socketTimeout: 15_000,
    retryStrategy: (times) => Math.min(times * 50, 1_000),
  });
  connection.on('error', (error) => options.logger.debug({ err: error }, 'Redis connection error'));
  const worker = new EagerWorker(
    DELIVERY_QUEUE_NAME,
    process,
    { ...workerOptions, connection },
    createRedisBackend,
  );
  worker.on('error', (error) => options.logger.warn({ err: error }, 'Delivery consumer connection error'));
  return {
    drain: () => worker.close(),
    async close() {
      connection.disconnect();
    },
  };
}

function startPostgresConsumer(
  options: DeliveryConsumerOptions,
  process: DeliveryProcessor,
  workerOptions: SharedWorkerOptions,
): DeliveryConsumer {
  const stopping = new AbortController();
  const report = (error: unknown) =>
    options.logger.warn({ err: error }, 'Delivery consumer connection error');

  function createWorker(connection: PostgresConnectionOptions) {
    const worker = new EagerWorker(
      DELIVERY_QUEUE_NAME,
      process,
      { ...workerOptions, connection, autorun: false },
      createPostgresBackend,
    );
    worker.on('error', report);
    return worker;
  }

  async function open() {
    while (!stopping.signal.aborted) {
      try {
        const pool = createQueuePool(options, {
          max: 10,
          // Jobs beyond ten at a time wait for a connection: they must outwait a burst.
          connectionTimeoutMillis: 20_000,
          query_timeout: 10_000,
        });
        const opened = await openOnPostgres(pool, createWorker);
        void opened.part.run().catch(report);
        return opened;
      } catch (error) {
        report(error);
        await sleep(RECONNECT_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    return null;
  }

  const opening = open();
  return {
    async drain() {
      stopping.abort();
      await (await opening)?.part.close();
    },
    async close() {
      await (await opening)?.pool.end();
    },
  };
}
