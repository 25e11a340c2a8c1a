import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildDeliveryJobId, type DeliveryJobRequest } from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryJobState, DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { createQueueInspector } from '@vendor-server/platform/queue/queue-inspector.ts';

/** A queue that only remembers what it was given, and says of its jobs what the test tells it to. */
export interface QueueDouble extends DeliveryQueue {
  /** What was added and not yet taken, oldest first. */
  readonly jobs: DeliveryJobRequest[];
  /** What `stateOf` answers for a job; unset: `gone`. */
  setState(deliveryId: string, generation: number, state: DeliveryJobState): void;
  /** The most jobs that were added with one call. */
  readonly largestAdd: number;
  /** The most questions for states that were open at once. */
  readonly mostAsked: number;
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
  let largestAdd = 0;
  let asked = 0;
  let mostAsked = 0;
  const queue: QueueDouble = {
    jobs,
    get largestAdd() {
      return largestAdd;
    },
    get mostAsked() {
      return mostAsked;
    },
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
      largestAdd = Math.max(largestAdd, added.length);
      jobs.push(...added);
    },
    async stateOf(deliveryId, generation) {
      rejectWhileAway();
      asked += 1;
      mostAsked = Math.max(mostAsked, asked);
      await nextTurn();
      asked -= 1;
      return states.get(buildDeliveryJobId(deliveryId, generation)) ?? 'gone';
    },
    async counts() {
      rejectWhileAway();
      return { waiting: jobs.length, active: 0, delayed: 0, completed: 0, failed: 0 };
    },
    async ping() {
      rejectWhileAway();
    },
    inspector: createQueueInspector(() => Promise.reject(new Error('nobody looks into this queue'))),
    async close() {},
  };

  function rejectWhileAway(): void {
    if (queue.isAway) throw new Error('the queue is away');
  }

  return queue;
}
