import { isDeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptEnd } from '../deliveries/attempt-delivery.ts';

/** How long a job is left alone that this version does not understand: a newer worker may. */
const UNKNOWN_JOB_PAUSE_MS = 60_000;
/** Wait before a job runs again that met a fault of ours, such as a database that is away. */
const OWN_FAULT_PAUSE_MS = 1_000;

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

/** The wait in ms before BullMQ runs a job again that threw `error`. */
export function decideBackoffMs(error: Error | undefined): number {
  return error instanceof RetryLater ? error.delayMs : OWN_FAULT_PAUSE_MS;
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
  attempt: (job: { deliveryId: string; generation: number }) => Promise<AttemptEnd>,
  logger: Logger,
  job: QueueJob,
  token: string,
): Promise<void> {
  if (!isDeliveryJobData(job.data)) {
    logger.error({ jobId: job.id }, 'A job of an unknown shape is left alone');
    return putOff(job, UNKNOWN_JOB_PAUSE_MS, token);
  }
  const end = await attempt(job.data);
  switch (end.kind) {
    case 'done':
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
