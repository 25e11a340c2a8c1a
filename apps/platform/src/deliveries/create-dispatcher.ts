/**
 * What happens after a commit: jobs are added for what is `queued`, and lanes are looked at for what became
 * movable. Nothing here may fail the caller, whose change is already safe in Postgres: an error is logged
 * and left to the relay.
 */
import type { Logger } from 'pino';
import type { Database } from '../database/create-database.ts';
import type { DeliveryMetrics } from '../metrics/delivery-metrics.ts';
import type { DeliveryJobData, DeliveryJobRequest } from '../queue/delivery-job.ts';
import type { DeliveryQueue } from '../queue/delivery-queue.ts';
import { splitIntoParts } from '../queue/split-into-parts.ts';
import { createLooker } from './create-looker.ts';
import { createLooks, type Looked } from './create-looks.ts';
import type { Promoted } from './promote.ts';
import type { Lane } from './promote-sql.ts';

/**
 * After an add that failed or timed out (the producer gives up after 0.9 s) the queue is left alone for this
 * long. What merely took longer than a caller waits is no reason: a busy event loop looks the same.
 */
const SKIP_ADDS_MS = 5_000;

export interface Dispatch {
  /** Deliveries the transaction left `queued`. */
  readonly jobs: readonly DeliveryJobData[];
  /** Lanes in which it left something `blocked` or `waiting`, or ended something. */
  readonly lanes: readonly LookedAt[];
}

/** A lane, or with `orderId` null no lane in particular: an endpoint that was opened or deleted. */
export type LookedAt = Lane | { readonly endpointId: string; readonly orderId: null };

export interface Dispatcher {
  /**
   * Resolves when everything is handed over, at the latest after `waitMs`; what takes longer goes on behind
   * it. Never rejects.
   */
  dispatch(work: Dispatch): Promise<void>;
  /** Adds jobs that may wait; rejects when the queue cannot take them. Used by the relay. */
  add(jobs: readonly DeliveryJobRequest[]): Promise<void>;
  /** Resolves when nothing handed over is still under way. */
  drain(): Promise<void>;
}

export interface DispatcherOptions {
  readonly database: Pick<Database, 'pool'>;
  readonly queue: Pick<DeliveryQueue, 'add'>;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
  /** How long a caller waits for the queue, in milliseconds. */
  readonly waitMs: number;
}

export function createDispatcher({
  database,
  queue,
  logger,
  metrics,
  waitMs,
}: DispatcherOptions): Dispatcher {
  const underWay = new Set<Promise<void>>();
  let skipAddsUntil = 0;

  async function addJobs(jobs: readonly DeliveryJobData[]): Promise<void> {
    if (jobs.length === 0 || performance.now() < skipAddsUntil) return;
    try {
      await queue.add(jobs.map((data) => ({ data, delayMs: 0 })));
    } catch (error) {
      pauseAdds(error);
    }
  }

  function pauseAdds(error: unknown): void {
    if (performance.now() < skipAddsUntil) return;
    skipAddsUntil = performance.now() + SKIP_ADDS_MS;
    logger.warn(
      { err: error, skipAddsMs: SKIP_ADDS_MS },
      'Delivery queue is away: the relay will add its jobs',
    );
  }

  async function handOver({ jobs, cancelled, superseded }: Promoted): Promise<void> {
    metrics.countFinished('cancelled', cancelled);
    metrics.countFinished('superseded', superseded);
    for (const part of splitIntoParts(jobs)) await addJobs(part);
  }

  const lookTogether = createLooks(database, handOver);
  const looker = createLooker<Looked | null>({
    async look(endpointId, orderIds) {
      try {
        return await lookTogether({ endpointId, orderIds });
      } catch (error) {
        logger.warn({ err: error, endpointId, orderIds }, 'Promotion failed: the relay will look again');
        return null;
      }
    },
    handOver: async (looked) => looked?.handedOver,
  });

  return {
    async dispatch({ jobs, lanes }) {
      if (jobs.length === 0 && lanes.length === 0) return;
      const work = Promise.all([
        addJobs(jobs),
        ...lanes.map(({ endpointId, orderId }) => looker.lookAt(endpointId, orderId)),
      ]).then(() => undefined);
      underWay.add(work);
      void work.finally(() => underWay.delete(work));
      await withinMs(work, waitMs);
    },
    add: (jobs) => queue.add(jobs),
    async drain() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

async function withinMs(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
