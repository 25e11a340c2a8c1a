/** BullMQ as plain as it comes, on either backend. */
import { createQueuePool, openOnPostgres } from '@vendor-server/platform/queue/postgres-queue-connection.ts';
import { splitIntoParts } from '@vendor-server/platform/queue/split-into-parts.ts';
import { createPostgresBackend, createRedisBackend, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import pino from 'pino';

export interface BareJob {
  readonly url: string;
}

export interface BareQueue {
  /** Adds them to those that wait. */
  add(jobs: readonly BareJob[]): Promise<void>;
  /** Takes what waits and what is added, until `pause`. */
  resume(): Promise<void>;
  pause(): Promise<void>;
}

export interface BareQueueOptions {
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
  readonly concurrency: number;
  readonly work: (job: BareJob) => Promise<void>;
}

const QUEUE_NAME = 'bench';
/** As for the delivery queue. */
const JOB_OPTIONS = { removeOnComplete: { count: 1_000, age: 3_600 } };
const JOBS_AT_ONCE = 500;

const onRedis = withBackend(createRedisBackend);
const onPostgres = withBackend(createPostgresBackend);

/** Opens it, paused. It is never closed: its process ends. */
export async function openBareQueue(options: BareQueueOptions): Promise<BareQueue> {
  const { queue, worker } =
    options.redisUrl === null ? await openOnDatabase(options) : openOnRedis(options, options.redisUrl);
  let isRunning = false;
  return {
    async add(jobs) {
      for (const part of splitIntoParts(jobs, JOBS_AT_ONCE)) {
        await queue.addBulk(part.map((data) => ({ name: 'post', data, opts: JOB_OPTIONS })));
      }
    },
    async resume() {
      if (isRunning) return worker.resume();
      isRunning = true;
      void worker.run();
    },
    async pause() {
      // Before it runs it takes nothing anyway, and would not begin to.
      if (isRunning) await worker.pause();
    },
  };
}

function openOnRedis({ concurrency, work }: BareQueueOptions, redisUrl: string) {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new onRedis.Queue<BareJob>(QUEUE_NAME, { connection });
  const worker = new onRedis.Worker<BareJob>(QUEUE_NAME, (job) => work(job.data), {
    connection,
    concurrency,
    autorun: false,
  });
  return { queue, worker };
}

async function openOnDatabase({ databaseUrl, concurrency, work }: BareQueueOptions) {
  const logger = pino({ level: 'warn' });
  const openPool = (max: number) => createQueuePool({ databaseUrl, logger }, { max });
  const queue = await openOnPostgres(
    openPool(4),
    (connection) => new onPostgres.Queue<BareJob>(QUEUE_NAME, { connection }),
  );
  const worker = await openOnPostgres(
    openPool(10),
    (connection) =>
      new onPostgres.Worker<BareJob>(QUEUE_NAME, (job) => work(job.data), {
        connection,
        concurrency,
        autorun: false,
      }),
  );
  return { queue: queue.part, worker: worker.part };
}
