import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryConsumer } from '@vendor-server/platform/queue/delivery-consumer.ts';
import type { ProcessJobDeps } from './process-job.ts';

/**
 * How long a queue may take to hear of jobs whose attempts have been recorded. One that is away would keep a process
 * that has nothing left to do until it is killed; what it was not told, the rows say (a retry may come some seconds
 * later then, when the queue or the relay misses its job's worker).
 */
const QUEUE_PATIENCE_MS = 2_000;

/** Attempts, counted while they are made. */
export interface CountedAttempts {
  readonly attempt: ProcessJobDeps['attempt'];
  /** Resolves when none is under way; none may be begun any more. */
  drain(): Promise<void>;
}

export function countAttempts(make: ProcessJobDeps['attempt']): CountedAttempts {
  const underWay = new Set<Promise<unknown>>();
  return {
    attempt(job) {
      const made = make(job);
      // What it throws is its caller's.
      const over = made.then(
        () => undefined,
        () => undefined,
      );
      underWay.add(over);
      void over.then(() => underWay.delete(over));
      return made;
    },
    async drain() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** Takes no new job, waits for the attempts under way and their records, and lets the queue go. */
export async function stopConsumer(consumer: DeliveryConsumer, attempts: CountedAttempts): Promise<void> {
  const drained = consumer.drain();
  await attempts.drain();
  await Promise.race([drained, sleep(QUEUE_PATIENCE_MS)]);
  await consumer.close();
}
