import { buildDeliveryJobId, type DeliveryJobRequest } from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryJobState, DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';

/** A queue that only remembers what it was given, and says of its jobs what the test tells it to. */
export interface QueueDouble extends DeliveryQueue {
  /** What was added and not yet taken, oldest first. */
  readonly jobs: DeliveryJobRequest[];
  /** What `stateOf` answers for a job; unset: `gone`. */
  setState(deliveryId: string, generation: number, state: DeliveryJobState): void;
  /** While true everything rejects. */
  isAway: boolean;
  /** The oldest job, taken out. */
  take(): DeliveryJobRequest['data'];
  /** Ids of the jobs in it, as `<deliveryId>-<generation>`. */
  ids(): string[];
}

export function createQueueDouble(): QueueDouble {
  const jobs: DeliveryJobRequest[] = [];
  const states = new Map<string, DeliveryJobState>();
  const queue: QueueDouble = {
    jobs,
    isAway: false,
    setState(deliveryId, generation, state) {
      states.set(buildDeliveryJobId(deliveryId, generation), state);
    },
    take() {
      const job = jobs.shift();
      if (job === undefined) throw new Error('there is no job');
      return job.data;
    },
    ids: () => jobs.map(({ data }) => buildDeliveryJobId(data.deliveryId, data.generation)),
    async add(added) {
      rejectWhileAway();
      jobs.push(...added);
    },
    async stateOf(deliveryId, generation) {
      rejectWhileAway();
      return states.get(buildDeliveryJobId(deliveryId, generation)) ?? 'gone';
    },
    async ping() {
      rejectWhileAway();
    },
    async close() {},
  };

  function rejectWhileAway(): void {
    if (queue.isAway) throw new Error('the queue is away');
  }

  return queue;
}
