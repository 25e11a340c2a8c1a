/**
 * The delivery queue: its name, its jobs' options, and how a producer connects. The one other file that uses the
 * name is delivery-consumer.ts, which takes it from here.
 *
 * `redisUrl` chooses BullMQ's Redis backend, its absence the PostgreSQL backend: same classes, one factory.
 * The producer fails fast, because an API request must not wait for a queue that is away (the relay remakes
 * what was not added).
 */
import { createPostgresBackend, createRedisBackend, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { buildDeliveryJobId, type DeliveryJobData, type DeliveryJobRequest } from './delivery-job.ts';
import { createQueuePool, type OpenedOnPostgres, openOnPostgres } from './postgres-queue-connection.ts';
import { createQueueInspector, type QueueInspector } from './queue-inspector.ts';

export const DELIVERY_QUEUE_NAME = 'deliveries';
const onRedis = withBackend(createRedisBackend);
const onPostgres = withBackend(createPostgresBackend);

const JOB_OPTIONS = {
  // Postgres counts the attempts and decides; BullMQ must never give up before it does.
  attempts: 1_000_000,
  backoff: { type: 'custom' },
  // Enough for an operator to see what just happened; the full history is in Postgres.
  removeOnComplete: { count: 1_000, age: 3_600 },
  removeOnFail: { count: 1_000, age: 24 * 3_600 },
  // BullMQ keeps a job's stacks for ever otherwise: an hour of a database that is away makes 1.6 MB a job.
  stackTraceLimit: 1,
  // Lines a job keeps of its attempts: more than one entry into the queue has retries.
  keepLogs: 50,
} as const;

/** What the queue says of a job: `live` will run without help; `scheduled` only if its time or worker comes. */
export type DeliveryJobState = 'live' | 'scheduled' | 'gone';

/** How many jobs the queue holds, by what they wait for; of finished ones it remembers the latest only. */
export type QueueCounts = Readonly<Record<(typeof COUNTED_STATES)[number], number>>;
const COUNTED_STATES = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;

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
  counts(): Promise<QueueCounts>;
  /** Rejects when the queue does not answer within about a second. */
  ping(): Promise<void>;
  readonly inspector: QueueInspector;
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
    async counts() {
      const counts = await (await opened.getQueue()).getJobCounts(...COUNTED_STATES);
      const { waiting = 0, paused = 0, active = 0, delayed = 0, completed = 0, failed = 0 } = counts;
      // BullMQ calls what waits "paused" while somebody has paused the queue.
      return { waiting: waiting + paused, active, delayed, completed, failed };
    },
    ping: () => opened.ping(),
    inspector: createQueueInspector(() => opened.getQueue()),
    close: () => opened.close(),
  };
}

type RedisQueue = InstanceType<typeof onRedis.Queue<DeliveryJobData, string | null>>;
type PostgresQueue = InstanceType<typeof onPostgres.Queue<DeliveryJobData, string | null>>;

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
  const queue = new onRedis.Queue<DeliveryJobData, string | null>(DELIVERY_QUEUE_NAME, {
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
        const queue = new onPostgres.Queue<DeliveryJobData, string | null>(DELIVERY_QUEUE_NAME, {
          connection,
        });
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
