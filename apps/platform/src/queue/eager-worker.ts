import { type IQueueBackend, type Job, type JobJson, type JobProgress, Worker } from 'bullmq';
import type { DeliveryJobData } from './delivery-job.ts';

type DeliveryQueueJob = Job<DeliveryJobData, string | null>;

/**
 * Begins what it has taken before it takes more. BullMQ's loop takes jobs one after the other, and begins none of them,
 * until there are no more or it has as many as it may work on. So every job waits until a burst has been taken to its
 * end; and on PostgreSQL, where taking one costs 10 ms, jobs that arrive as fast would keep it taking for seconds, until
 * their locks are over and the relay has made them all again. The loop turns to what it has when it is told that there
 * are no more.
 *
 * A job that was taken and never begun would keep it from taking for ever. There is none: BullMQ makes jobs in
 * `nextJobFromJobData` alone, and its loop gives each to `processJob`, those it gets at the end of another one, too, also
 * while it closes.
 */
export class EagerWorker<Backend extends IQueueBackend, Connection> extends Worker<
  DeliveryJobData,
  string | null,
  string,
  Backend,
  JobProgress,
  Connection
> {
  /** Taken, also at the end of another one, and not begun. */
  #atHand = 0;

  protected override async moveToActive(token: string, name?: string): Promise<DeliveryQueueJob> {
    // What it gives when there is none, whatever BullMQ's types say.
    return this.#atHand > 0 ? (undefined as never) : super.moveToActive(token, name);
  }

  protected override async nextJobFromJobData(jobData?: JobJson, jobId?: string, token?: string) {
    const job: DeliveryQueueJob | undefined = await super.nextJobFromJobData(jobData, jobId, token);
    if (job !== undefined) this.#atHand += 1;
    return job;
  }

  override processJob(job: DeliveryQueueJob, token: string, fetchNextCallback?: () => boolean) {
    this.#atHand -= 1;
    return super.processJob(job, token, fetchNextCallback);
  }
}
