import { setTimeout as sleep } from 'node:timers/promises';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createDeliveryQueue, type DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { waitForQueue } from '@vendor-server/platform/queue/wait-for-queue.ts';
import { Redis } from 'ioredis';
import type { System } from '../system/create-system.ts';
import { readQueueBytes } from '../system/read-queue-bytes.ts';
import type { RunningProcess } from '../system/start-process.ts';
import { type ProcessUse, readProcessUse } from '../system/watch-process.ts';

export interface WatchOptions {
  readonly system: Pick<System, 'database' | 'databaseUrl'>;
  readonly redisUrl: string | null;
  readonly worker: RunningProcess;
  /** Whose windows are watched. */
  readonly endpointIds: readonly string[];
}

/** The most that was seen of one endpoint, and its window. */
export interface WatchedEndpoint {
  readonly endpointId: string;
  readonly mostQueued: number;
  readonly highestWindow: number;
  readonly lowestWindow: number;
  /** By how many `queued` deliveries it was above the highest window it had had until then: what shrinks keeps those. */
  readonly mostAboveWindow: number;
}

/** The most that was seen of each, while it was watched. */
export interface Watched {
  readonly endpoints: readonly WatchedEndpoint[];
  /** Jobs that wait, run or are put off. */
  readonly mostJobs: number;
  /** The queue's memory on Redis, or its table on PostgreSQL; the first and the largest that was seen, in bytes. */
  readonly queueBytes: { readonly first: number; readonly most: number };
  readonly mostRssBytes: number;
  readonly mostSockets: number;
  /** Processor time of the worker. */
  readonly workerCpuMs: number;
}

export interface Watch {
  stop(): Promise<Watched>;
}

/** Of every endpoint; it may have shrunk before it was watched. */
const FIRST_WINDOW = 16;
const LOOK_EVERY_MS = 200;
/** Of looks, one at the process: counting hundreds of sockets takes milliseconds of the machine that is measured. */
const PROCESS_EVERY = 5;
const CONNECT_LIMIT_MS = 5_000;

/** Looks at everything that must stay bounded, a few times a second, until it is stopped. */
export async function watchSystem(options: WatchOptions): Promise<Watch> {
  const { system, redisUrl, worker, endpointIds } = options;
  const redis = redisUrl === null ? null : new Redis(redisUrl);
  const queue = createDeliveryQueue({
    redisUrl,
    databaseUrl: system.databaseUrl,
    logger: createLoggerTo({ write: () => undefined }, { name: 'watch', level: 'warn' }),
  });
  const endpoints = new Map<string, WatchedEndpoint>();
  const jobs: number[] = [];
  const queueBytes: number[] = [];
  const uses: ProcessUse[] = [];
  let looks = 0;

  async function look(): Promise<void> {
    for (const now of await readWindows(system, endpointIds)) {
      endpoints.set(now.endpointId, merge(endpoints.get(now.endpointId), now));
    }
    const count = await countJobs(queue);
    if (count !== null) jobs.push(count);
    queueBytes.push(await readQueueBytes(system.database.pool, redis));
    if (looks % PROCESS_EVERY === 0) uses.push(await readProcessUse(worker.pid));
    looks += 1;
  }

  const stopping = new AbortController();
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look();
      await sleep(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  await waitForQueue(queue, CONNECT_LIMIT_MS);
  const running = run();
  // Reported by `stop`.
  running.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      try {
        await running;
        uses.push(await readProcessUse(worker.pid));
      } finally {
        redis?.disconnect();
        await queue.close();
      }
      return {
        endpoints: [...endpoints.values()],
        mostJobs: Math.max(...jobs),
        queueBytes: { first: queueBytes[0] ?? 0, most: Math.max(...queueBytes) },
        mostRssBytes: Math.max(...uses.map(({ rssBytes }) => rssBytes)),
        mostSockets: Math.max(...uses.map(({ sockets }) => sockets)),
        workerCpuMs: (uses.at(-1)?.cpuMs ?? 0) - (uses[0]?.cpuMs ?? 0),
      };
    },
  };
}

interface WindowNow {
  readonly endpointId: string;
  readonly window: number;
  readonly queued: number;
}

async function readWindows(
  { database }: Pick<System, 'database'>,
  endpointIds: readonly string[],
): Promise<WindowNow[]> {
  const { rows } = await database.pool.query<WindowNow>(
    `select e.id as "endpointId", e."window",
            (select count(*) from deliveries d where d.endpoint_id = e.id and d.state = 'queued') as queued
       from webhook_endpoints e where e.id = any ($1)`,
    [endpointIds],
  );
  return rows;
}

function merge(
  before: WatchedEndpoint | undefined,
  { endpointId, window, queued }: WindowNow,
): WatchedEndpoint {
  const highestWindow = Math.max(before?.highestWindow ?? FIRST_WINDOW, window);
  return {
    endpointId,
    highestWindow,
    lowestWindow: Math.min(before?.lowestWindow ?? window, window),
    mostQueued: Math.max(before?.mostQueued ?? 0, queued),
    mostAboveWindow: Math.max(before?.mostAboveWindow ?? 0, queued - highestWindow),
  };
}

/** Null when the queue did not say in time: this process may have been busy, and there are enough other counts. */
async function countJobs(queue: DeliveryQueue): Promise<number | null> {
  const counts = await queue.counts().catch(() => null);
  return counts && counts.waiting + counts.active + counts.delayed;
}
