/**
 * The queue as the model has it: what BullMQ does with ids, and nothing in time. Jobs run when the runner takes them,
 * in any order, delayed ones too (on the PostgreSQL backend a worker whose clock is ahead does that).
 */
import {
  buildDeliveryJobId,
  type DeliveryJobData,
  type DeliveryJobRequest,
} from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryJobState } from '@vendor-server/platform/queue/delivery-queue.ts';

type JobState = 'waiting' | 'delayed' | 'active' | 'ended';

export interface ModelQueue {
  isAway: boolean;
  /** A job whose id it still knows is ignored, also one that has ended. */
  add(jobs: readonly DeliveryJobRequest[]): void;
  stateOf(deliveryId: string, generation: number): DeliveryJobState;
  /** Those that can run now, oldest first. */
  runnable(): readonly DeliveryJobData[];
  take(job: DeliveryJobData): void;
  /** Told by whoever ran it. Without effect on what was flushed meanwhile. */
  put(job: DeliveryJobData, state: 'delayed' | 'ended'): void;
  /** A job under way is run by somebody else, too: its worker was too busy to renew its lock. */
  stall(): void;
  /** Everything is forgotten, also what has ended. */
  flush(): void;
}

export function createModelQueue(): ModelQueue {
  const jobs = new Map<string, { readonly data: DeliveryJobData; state: JobState }>();
  const find = ({ deliveryId, generation }: DeliveryJobData) =>
    jobs.get(buildDeliveryJobId(deliveryId, generation));

  return {
    isAway: false,
    add(added) {
      if (this.isAway) throw new Error('the queue is away');
      for (const { data } of added) {
        const id = buildDeliveryJobId(data.deliveryId, data.generation);
        if (!jobs.has(id)) jobs.set(id, { data, state: 'waiting' });
      }
    },
    stateOf(deliveryId, generation) {
      if (this.isAway) throw new Error('the queue is away');
      const state = jobs.get(buildDeliveryJobId(deliveryId, generation))?.state ?? 'ended';
      if (state === 'waiting') return 'live';
      return state === 'ended' ? 'gone' : 'scheduled';
    },
    runnable: () =>
      [...jobs.values()]
        .filter(({ state }) => state === 'waiting' || state === 'delayed')
        .map(({ data }) => data),
    take(job) {
      const found = find(job);
      if (found !== undefined) found.state = 'active';
    },
    put(job, state) {
      const found = find(job);
      if (found !== undefined) found.state = state;
    },
    stall() {
      for (const job of jobs.values()) if (job.state === 'active') job.state = 'waiting';
    },
    flush() {
      jobs.clear();
    },
  };
}
