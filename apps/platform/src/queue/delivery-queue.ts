/**
 * The one place that knows the delivery queue: its name, its jobs' options, and how each side connects.
 *
 * `redisUrl` chooses BullMQ's Redis backend, its absence the PostgreSQL backend: same classes, one factory.
 * The producer fails fast, because an API request must not wait for a queue that is away (the relay remakes
 * what was not added); the consumer waits for ever, because it has nothing else to do.
 */
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
import pg from 'pg';
import type { Logger } from 'pino';
import { buildDeliveryJobId, type DeliveryJobData, type DeliveryJobRequest } from './delivery-job.ts';

export const DELIVERY_QUEUE_NAME = 'deliveries';
const onRedis = withBackend(createRedisBackend);
const onPostgres = withBackend(createPostgresBackend);
/** BullMQ's own schema, kept apart from ours; made by `npm run db:migrate`. */
const POSTGRES_QUEUE_SCHEMA = 'bullmq';

const JOB_OPTIONS = {
  // Postgres counts the attempts and decides; BullMQ must never give up before it does.
  attempts: 1_000_000,
  backoff: { type: 'custom' },
  // Enough for an operator to see what just happened; the full history is in Postgres.
  removeOnComplete: { count: 1_000, age: 3_600 },
  removeOnFail: { count: 1_000, age: 24 * 3_600 },
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
  const { queue } = opened;
  queue.on('error', (error) => options.logger.warn({ err: error }, 'Delivery queue connection error'));

  return {
    async add(jobs) {
      const [only] = jobs;
      if (only === undefined) return;
      if (jobs.length === 1) {
        await queue.add(only.data.status, only.data, buildJobOptions(only));
      } else {
        await queue.addBulk(
          jobs.map((job) => ({ name: job.data.status, data: job.data, opts: buildJobOptions(job) })),
        );
      }
    },
    async stateOf(deliveryId, generation) {
      const state = await queue.getJobState(buildDeliveryJobId(deliveryId, generation));
      if (state === 'completed' || state === 'failed' || state === 'unknown') return 'gone';
      return state === 'delayed' || state === 'active' ? 'scheduled' : 'live';
    },
    ping: () => opened.ping(),
    async close() {
      await queue.close();
      await opened.disconnect();
    },
  };
}

interface OpenQueue {
  readonly queue:
    | InstanceType<typeof onRedis.Queue<DeliveryJobData, void>>
    | InstanceType<typeof onPostgres.Queue<DeliveryJobData, void>>;
  ping(): Promise<void>;
  disconnect(): Promise<void>;
}

function openRedisQueue(options: DeliveryQueueOptions, redisUrl: string): OpenQueue {
  const connection = new Redis(redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 500,
    commandTimeout: 900,
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
  return {
    queue,
    async ping() {
      await connection.ping();
    },
    async disconnect() {
      connection.disconnect();
    },
  };
}

function openPostgresQueue(options: DeliveryQueueOptions): OpenQueue {
  const pool = createQueuePool(options, 4, { connectionTimeoutMillis: 900, statement_timeout: 900 });
  const queue = new onPostgres.Queue<DeliveryJobData, void>(DELIVERY_QUEUE_NAME, {
    connection: pool as PostgresConnectionOptions,
    skipWaitingForReady: true,
  });
  return {
    queue,
    async ping() {
      await pool.query('select 1');
    },
    async disconnect() {
      await pool.end();
    },
  };
}

/** BullMQ cannot build its own pool in native ESM, and a pool of ours must name the schema itself. */
function createQueuePool(options: DeliveryQueueOptions, max: number, limits: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    options: `-c search_path=${POSTGRES_QUEUE_SCHEMA}`,
    application_name: 'vendor-server-queue',
    keepAlive: true,
    max,
    ...limits,
  });
  pool.on('error', (error) => options.logger.warn({ err: error }, 'Queue database connection lost'));
  return pool;
}

function buildJobOptions({ data, delayMs }: DeliveryJobRequest) {
  return { ...JOB_OPTIONS, jobId: buildDeliveryJobId(data.deliveryId, data.generation), delay: delayMs };
}

export interface DeliveryConsumerOptions extends DeliveryQueueOptions {
  /** Deliveries in flight in this process. */
  readonly concurrency: number;
  readonly process: (job: Job<DeliveryJobData, void>, token: string) => Promise<void>;
  /** Wait in ms before BullMQ runs a job again that threw `error`. */
  readonly backoffMs: (error: Error | undefined) => number;
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
    // After a connection error BullMQ waits this long (default 15 s) before it asks for jobs again.
    runRetryDelay: 1_000,
    settings: {
      backoffStrategy: (_attemptsMade: number, _type?: string, error?: Error) => options.backoffMs(error),
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
  const pool = createQueuePool(options, 10, { connectionTimeoutMillis: 5_000 });
  const worker = new onPostgres.Worker(DELIVERY_QUEUE_NAME, process, {
    ...workerOptions,
    connection: pool as PostgresConnectionOptions,
  });
  worker.on('error', (error) => options.logger.warn({ err: error }, 'Delivery consumer connection error'));
  return { drain: () => worker.close(), close: () => pool.end() };
}
