/**
 * The one place that knows the delivery queue: its name, its jobs' options, and how each side connects.
 *
 * `redisUrl` chooses BullMQ's Redis backend, its absence the PostgreSQL backend: same classes, one factory.
 * The producer fails fast, because an API request must not wait for a queue that is away (the relay remakes
 * what was not added); the consumer waits for ever, because it has nothing else to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createPostgresBackend,
  createRedisBackend,
  type Job,
  type PostgresConnectionOptions,
  type Processor,
  type WorkerOptions,
  withBackend,
} from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { buildDeliveryJobId, type DeliveryJobData, type DeliveryJobRequest } from './delivery-job.ts';
import { createQueuePool, type OpenedOnPostgres, openOnPostgres } from './postgres-queue-connection.ts';

export const DELIVERY_QUEUE_NAME = 'deliveries';
const onRedis = withBackend(createRedisBackend);
const onPostgres = withBackend(createPostgresBackend);
/** After a connection error a consumer waits this long before it asks again. */
const RECONNECT_PAUSE_MS = 1_000;

const JOB_OPTIONS = {
  // Postgres counts the attempts and decides; BullMQ must never give up before it does.
  attempts: 1_000_000,
  backoff: { type: 'custom' },
  // Enough for an operator to see what just happened; the full history is in Postgres.
  removeOnComplete: { count: 1_000, age: 3_600 },
  removeOnFail: { count: 1_000, age: 24 * 3_600 },
  // BullMQ keeps a job's stacks for ever otherwise: an hour of a database that is away makes 1.6 MB a job.
  stackTraceLimit: 1,
} as const;

/** What the queue says of a job: `live` will run without help; `scheduled` only if its time or worker comes. */
export type DeliveryJobState = 'live' | 'scheduled' | 'gone';

export interface DeliveryQueueOptions {
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
  readonly logger: Logger;
}

export interface DeliveryQueue {
  /** Adds jobs; rejects within about a second when the queue cannot take them. */
  add(jobs: readonly DeliveryJobRequest[]): Promise<void>;
  /** State of one job; rejects when the queue cannot say. */
  stateOf(deliveryId: string, generation: number): Promise<DeliveryJobState>;
  /** Rejects when the queue does not answer within about a second. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Connects a producer. Construction never fails and never waits, also while the queue is away. */
export function createDeliveryQueue(options: DeliveryQueueOptions): DeliveryQueue {
  const opened =
    options.redisUrl === null ? openPostgresQueue(options) : openRedisQueue(options, options.redisUrl);

  return {
    async add(jobs) {
      const [only] = jobs;
      if (only === undefined) return;
      const queue = await opened.getQueue();
      if (jobs.length === 1) {
        await queue.add(only.data.status, only.data, buildJobOptions(only));
      } else {
        await queue.addBulk(
          jobs.map((job) => ({ name: job.data.status, data: job.data, opts: buildJobOptions(job) })),
        );
      }
    },
    async stateOf(deliveryId, generation) {
      const job = await (await opened.getQueue()).getJob(buildDeliveryJobId(deliveryId, generation));
      if (job === undefined || job.finishedOn !== undefined) return 'gone';
      // Not `getState`: on Redis it walks the whole list of waiting jobs, 14 ms a call with 16 000 of them.
      if (await job.isDelayed()) return 'scheduled';
      return (await job.isActive()) ? 'scheduled' : 'live';
    },
    ping: () => opened.ping(),
    close: () => opened.close(),
  };
}

type RedisQueue = InstanceType<typeof onRedis.Queue<DeliveryJobData, void>>;
type PostgresQueue = InstanceType<typeof onPostgres.Queue<DeliveryJobData, void>>;

interface OpenQueue {
  getQueue(): Promise<RedisQueue | PostgresQueue>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

function openRedisQueue(options: DeliveryQueueOptions, redisUrl: string): OpenQueue {
  const connection = new Redis(redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 500,
    commandTimeout: 900,
    // A connection that died without a word is replaced, not asked again for ever.
    socketTimeout: 1_500,
    retryStrategy: (times) => Math.min(times * 50, 1_000),
  });
  connection.on('error', (error) => options.logger.debug({ err: error }, 'Redis connection error'));
  const queue = new onRedis.Queue<DeliveryJobData, void>(DELIVERY_QUEUE_NAME, {
    connection,
    // Without the first, `add` hangs for seconds while Redis is away; without the second, BullMQ keeps a
    // version check that failed at construction and rejects every later `add` for ever.
    skipWaitingForReady: true,
    skipVersionCheck: true,
  });
  queue.on('error', (error) => options.logger.warn({ err: error }, 'Delivery queue connection error'));
  return {
    getQueue: async () => queue,
    async ping() {
      await connection.ping();
    },
    async close() {
      await queue.close();
      connection.disconnect();
    },
  };
}

function openPostgresQueue(options: DeliveryQueueOptions): OpenQueue {
  let opening: Promise<OpenedOnPostgres<PostgresQueue>> | null = null;

  function open(): Promise<OpenedOnPostgres<PostgresQueue>> {
    opening ??= openOnPostgres(
      // The server's time-out lets a statement go, ours the caller when the server does not answer at all.
      createQueuePool(options, {
        max: 4,
        connectionTimeoutMillis: 900,
        statement_timeout: 900,
        query_timeout: 1_000,
      }),
      (connection) => {
        const queue = new onPostgres.Queue<DeliveryJobData, void>(DELIVERY_QUEUE_NAME, { connection });
        queue.on('error', (error) => options.logger.warn({ err: error }, 'Delivery queue connection error'));
        return queue;
      },
    ).catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  }

  return {
    getQueue: async () => (await open()).part,
    async ping() {
      await (await open()).pool.query('select 1');
    },
    async close() {
      const opened = await opening?.catch(() => null);
      await opened?.part.close();
      await opened?.pool.end();
    },
  };
}

function buildJobOptions({ data, delayMs }: DeliveryJobRequest) {
  return { ...JOB_OPTIONS, jobId: buildDeliveryJobId(data.deliveryId, data.generation), delay: delayMs };
}

export interface DeliveryConsumerOptions extends DeliveryQueueOptions {
  /** Deliveries in flight in this process. */
  readonly concurrency: number;
  readonly process: (job: Job<DeliveryJobData, void>, token: string) => Promise<void>;
  /** Wait in ms before BullMQ runs a job again that threw `error` in its `attemptsMade`th run. */
  readonly backoffMs: (error: Error | undefined, attemptsMade: number) => number;
}

export interface DeliveryConsumer {
  /** Takes no new job; resolves when those in hand are done. */
  drain(): Promise<void>;
  /** Lets go of the connections; after `drain`, or when its deadline passed. */
  close(): Promise<void>;
}

type DeliveryProcessor = Processor<DeliveryJobData, void>;
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
  const worker = new onRedis.Worker(DELIVERY_QUEUE_NAME, process, { ...workerOptions, connection });
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
    const worker = new onPostgres.Worker(DELIVERY_QUEUE_NAME, process, {
      ...workerOptions,
      connection,
      autorun: false,
    });
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
