/**
 * The delivery queue as Bull Board sees it. Bull Board's own adapter takes a whole BullMQ queue, with which it could
 * also change things; this one is given an inspector, which can only look, and refuses the rest.
 */
import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type { JobCounts, JobStatus, QueueJob, Status } from '@bull-board/api/dist/types.js';
import { isDeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import {
  INSPECTED_STATES,
  type InspectedJob,
  type InspectedState,
} from '@vendor-server/platform/queue/queue-inspector.ts';
import { ApiError } from '../errors/api-error.ts';

/** More would be a scan of the queue in one answer. */
const MAX_JOBS_PER_PAGE = 100;

const DESCRIPTION = 'To send one again: POST /api/admin/deliveries/<deliveryId>/resend';

type InspectedQueue = Pick<DeliveryQueue, 'counts' | 'inspector'>;

export class DeliveryQueueAdapter extends BaseAdapter {
  readonly #queue: InspectedQueue;

  constructor(queue: InspectedQueue) {
    super('bullmq', { readOnlyMode: true, description: DESCRIPTION, externalJobUrl: toDeliveryLink });
    this.#queue = queue;
  }

  getName(): string {
    return 'deliveries';
  }

  getStatuses(): Status[] {
    return ['latest', ...INSPECTED_STATES];
  }

  getJobStatuses(): JobStatus[] {
    return [...INSPECTED_STATES];
  }

  async getJobCounts(): Promise<JobCounts> {
    // Their type asks for every status that any version of BullMQ knows.
    return (await ask(this.#queue.counts())) as JobCounts;
  }

  async getJobs(statuses: JobStatus[], first = 0, last = 0): Promise<QueueJob[]> {
    const states = statuses.filter(isInspectedState);
    if (states.length === 0) return [];
    const limited = Math.min(last, first + MAX_JOBS_PER_PAGE - 1);
    return (await ask(this.#queue.inspector.listJobs(states, first, limited))).map(toQueueJob);
  }

  async getJob(id: string): Promise<QueueJob | null> {
    const job = await ask(this.#queue.inspector.findJob(id));
    return job === null ? null : toQueueJob(job);
  }

  getJobLogs(id: string): Promise<string[]> {
    return ask(this.#queue.inspector.readLog(id));
  }

  // Nothing of ours pauses the queue, limits it as a whole, or schedules jobs in it.
  isPaused = async () => false;
  getGlobalConcurrency = async () => null;
  getJobSchedulers = async () => [];
  getJobSchedulersCount = async () => 0;
  getMetrics = async () => ({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  getRedisInfo = async () => null;

  clean = refuse;
  addJob = refuse;
  pause = refuse;
  resume = refuse;
  empty = refuse;
  obliterate = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  updateJobScheduler = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;
}

function isInspectedState(status: JobStatus): status is InspectedState {
  return (INSPECTED_STATES as readonly string[]).includes(status);
}

function toQueueJob(job: InspectedJob): QueueJob {
  const fields = job.toJSON();
  return {
    opts: fields.opts,
    toJSON: () => fields,
    getState: () => ask(job.getState()),
    promote: refuse,
    remove: refuse,
    retry: refuse,
  };
}

/** The delivery as the API shows it, with every attempt: the queue forgets. */
function toDeliveryLink({ data }: { data: unknown }): { displayText: string; href: string } {
  if (!isDeliveryJobData(data)) return { displayText: 'Deliveries', href: '/api/admin/deliveries' };
  return { displayText: 'Delivery', href: `/api/admin/deliveries/${data.deliveryId}` };
}

/** @throws ApiError `queue_unavailable` */
async function ask<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (cause) {
    throw new ApiError('queue_unavailable', { cause });
  }
}

/** Not reachable by a route; here so that no later one makes it so. */
async function refuse(): Promise<never> {
  throw new ApiError('method_not_allowed');
}
