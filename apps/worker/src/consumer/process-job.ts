import { isDeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptEnd, AttemptedJob } from '../deliveries/attempt-delivery.ts';

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

/** What operators read on a job that met a fault of ours: the details are for the log, not for the queue. */
class FaultOfOurs extends Error {
  override readonly name = 'FaultOfOurs';

  constructor(cause: unknown) {
    super('The delivery could not be looked at, by a fault of ours; see the log of the worker', { cause });
    this.stack = '';
  }
}

/** The wait in ms before BullMQ runs a job again that threw `error` in its `attemptsMade`th run. */
export function decideBackoffMs(error: Error | undefined, attemptsMade: number): number {
  if (error instanceof RetryLater) return error.delayMs;
  return Math.min(FIRST_FAULT_PAUSE_MS * Math.max(attemptsMade, 1), LONGEST_FAULT_PAUSE_MS);
}

export interface ProcessJobDeps {
  readonly attempt: (job: AttemptedJob) => Promise<AttemptEnd>;
  readonly logger: Logger;
  /** Aborts when the process is asked to stop. */
  readonly stopping: AbortSignal;
}

type QueueJob = Pick<Job<unknown>, 'id' | 'data' | 'attemptsMade' | 'moveToDelayed' | 'log'>;

/**
 * Turns the end of an attempt into what BullMQ understands: returning ends the job, `RetryLater` brings it
 * back by the backoff, `UnrecoverableError` fails it for good, `DelayedError` says it was put off and counts
 * as no attempt.
 *
 * What came of an attempt can be read on the job: in its log once there was more than one, and in its return value.
 * A job whose only attempt went well is most jobs, and a line costs a command of its own: 10 µs of a worker's CPU on
 * Redis (of 90 for a job), 100 µs on PostgreSQL (of 550) and a statement there.
 *
 * @param token BullMQ's lock token of this run
 * @returns what came of the attempt; null when there was none
 */
export async function processJob(
  { attempt, logger, stopping }: ProcessJobDeps,
  job: QueueJob,
  token: string,
): Promise<string | null> {
  if (!isDeliveryJobData(job.data)) {
    logger.error({ jobId: job.id }, 'A job of an unknown shape is left alone');
    return putOff(job, UNKNOWN_JOB_PAUSE_MS, token);
  }
  // BullMQ may have fetched it just before: no new work once stopping has begun.
  if (stopping.aborted) return putOff(job, STOPPING_PAUSE_MS, token);
  const { deliveryId, generation } = job.data;
  const end = await attempt({ deliveryId, generation, isRepeat: job.attemptsMade > 0 }).catch(
    (error: unknown) => {
      logger.warn({ err: error, deliveryId }, 'Delivery could not be looked at; its job will run again');
      throw new FaultOfOurs(error);
    },
  );
  switch (end.kind) {
    case 'skipped':
      return null;
    case 'done':
      if (job.attemptsMade > 0) noteOnJob(job, end.summary, logger);
      return end.summary;
    case 'retry':
      noteOnJob(job, end.summary, logger);
      throw new RetryLater(end.reason, end.delayMs);
    case 'not_yet':
      return putOff(job, end.retryInMs, token);
    case 'failed': {
      noteOnJob(job, end.summary, logger);
      const failure = new UnrecoverableError(end.reason);
      failure.stack = '';
      throw failure;
    }
  }
}

/** Behind the job's back: it goes to the queue before the job's end does, and nobody waits for it. */
function noteOnJob(job: QueueJob, line: string, logger: Logger): void {
  job.log(line).catch((error: unknown) => {
    logger.debug({ err: error, jobId: job.id }, 'A line of a job could not be kept');
  });
}

async function putOff(job: QueueJob, delayMs: number, token: string): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}
