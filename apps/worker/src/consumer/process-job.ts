import { type DeliveryJobData, isDeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptEnd } from '../deliveries/attempt-delivery.ts';

/** How long a job is left alone that this version does not understand: a newer worker may. */
const UNKNOWN_JOB_PAUSE_MS = 60_000;
/** Waits before a job runs again that met a fault of ours, such as a database that is away. */
const FIRST_FAULT_PAUSE_MS = 1_000;
const LONGEST_FAULT_PAUSE_MS = 10_000;
/** A job taken by a process that is being stopped is for another one, soon. */
const STOPPING_PAUSE_MS = 100;

/** Tells BullMQ to run the job again after `delayMs`. Its message is what operators read on the job. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly delayMs: number;

  constructor(reason: string, delayMs: number) {
    super(`${reason}; next attempt in ${delayMs} ms`);
    this.delayMs = delayMs;
    // BullMQ shows the stack on the job: an endpoint's failure has none of ours to show.
    this.stack = '';
  }
}

/** The wait in ms before BullMQ runs a job again that threw `error` in its `attemptsMade`th run. */
export function decideBackoffMs(error: Error | undefined, attemptsMade: number): number {
  if (error instanceof RetryLater) return error.delayMs;
  return Math.min(FIRST_FAULT_PAUSE_MS * Math.max(attemptsMade, 1), LONGEST_FAULT_PAUSE_MS);
}

export interface ProcessJobDeps {
  readonly attempt: (job: { deliveryId: string; generation: number }) => Promise<AttemptEnd>;
  readonly logger: Logger;
  /** Aborts when the process is asked to stop. */
  readonly stopping: AbortSignal;
}

type QueueJob = Pick<Job<unknown>, 'id' | 'data' | 'moveToDelayed'>;

/**
 * Turns the end of an attempt into what BullMQ understands: returning ends the job, `RetryLater` brings it
 * back by the backoff, `UnrecoverableError` fails it for good, `DelayedError` says it was put off and counts
 * as no attempt.
 *
 * @param token BullMQ's lock token of this run
 */
export async function processJob(
  { attempt, logger, stopping }: ProcessJobDeps,
  job: QueueJob,
  token: string,
): Promise<void> {
  if (!isDeliveryJobData(job.data)) {
    logger.error({ jobId: job.id }, 'A job of an unknown shape is left alone');
    return putOff(job, UNKNOWN_JOB_PAUSE_MS, token);
  }
  // BullMQ may have fetched it just before: no new work once stopping has begun.
  if (stopping.aborted) return putOff(job, STOPPING_PAUSE_MS, token);
  const end = await attempt(job.data).catch((error: unknown) => {
    const { deliveryId } = job.data as DeliveryJobData;
    logger.warn({ err: error, deliveryId }, 'Delivery could not be looked at; its job will run again');
    throw error;
  });
  switch (end.kind) {
    case 'done':
    case 'skipped':
      return;
    case 'retry':
      throw new RetryLater(end.reason, end.delayMs);
    case 'not_yet':
      return putOff(job, end.retryInMs, token);
    case 'failed': {
      const failure = new UnrecoverableError(end.reason);
      failure.stack = '';
      throw failure;
    }
  }
}

async function putOff(job: QueueJob, delayMs: number, token: string): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}
