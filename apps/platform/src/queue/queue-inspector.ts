import type { Job } from 'bullmq';
import type { DeliveryJobData } from './delivery-job.ts';

/** Every state that a job of the delivery queue can be in. */
export const INSPECTED_STATES = ['active', 'waiting', 'completed', 'failed', 'delayed'] as const;
export type InspectedState = (typeof INSPECTED_STATES)[number];

/** A job as an operator sees it. */
export type InspectedJob = Pick<Job<DeliveryJobData, string | null>, 'toJSON' | 'getState'>;

/**
 * What the queue knows of its jobs, for operators. It can only look: whoever holds one has no way to change a job.
 * Every call rejects within about a second when the queue does not answer.
 */
export interface QueueInspector {
  /** Jobs of these states from `first` to `last`, both included and counted from 0, newest first. */
  listJobs(states: readonly InspectedState[], first: number, last: number): Promise<InspectedJob[]>;
  findJob(jobId: string): Promise<InspectedJob | null>;
  /**
   * What came of the job's attempts, oldest first. A job whose only attempt went well has no log line: a line costs a
   * command of its own. Its return value says the same.
   */
  readLog(jobId: string): Promise<string[]>;
}

/** The calls of a BullMQ queue that an inspector makes, on either backend. */
export interface InspectedQueue {
  getJobs(
    states: InspectedState[],
    first: number,
    last: number,
  ): Promise<Job<DeliveryJobData, string | null>[]>;
  getJob(jobId: string): Promise<Job<DeliveryJobData, string | null> | undefined>;
  getJobLogs(jobId: string): Promise<{ logs: string[] }>;
}

/** @param getQueue rejects while there is no queue to ask */
export function createQueueInspector(getQueue: () => Promise<InspectedQueue>): QueueInspector {
  return {
    async listJobs(states, first, last) {
      return (await (await getQueue()).getJobs([...states], first, last)).map(toInspectedJob);
    },
    async findJob(jobId) {
      const job = await (await getQueue()).getJob(jobId);
      return job === undefined ? null : toInspectedJob(job);
    },
    async readLog(jobId) {
      const queue = await getQueue();
      const { logs } = await queue.getJobLogs(jobId);
      if (logs.length > 0) return logs;
      const outcome = (await queue.getJob(jobId))?.returnvalue;
      return typeof outcome === 'string' ? [outcome] : [];
    },
  };
}

function toInspectedJob(job: Job<DeliveryJobData, string | null>): InspectedJob {
  return { toJSON: () => job.toJSON(), getState: () => job.getState() };
}
