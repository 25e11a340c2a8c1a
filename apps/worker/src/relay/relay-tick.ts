/**
 * The relay: moves rows to the queue whenever something that should have done it did not.
 *
 * What it repairs, and why each repair is safe:
 * - *A job is lost* (process died between commit and add; queue flushed, restored, away): the row is `queued`,
 *   unclaimed and late, and the queue *definitely* has no job that will run it. A new generation and a new
 *   job. If the old job turns up after all, it finds another generation and ends.
 * - *A worker is lost*: its claim ran out. The attempt is closed as `interrupted`, the generation rises, a new
 *   job is made at once. The lost worker cannot send any more (see attempt-delivery.ts) nor record (its token
 *   is gone). Ended only while the database has been calm for 5 s, so that workers that survived an outage
 *   record their answers first; otherwise their receivers would get everything in flight twice. What waits for
 *   somebody's lock is told from what is lost row by row (find-lost-claims.ts).
 * - *A look after commit is lost*: endpoints with room and due heads, and lanes blocked behind nothing or behind
 *   what a newer change replaces, are promoted.
 * - *An endpoint is broken*: nothing of it moves by itself, so it is sent a probe now and then (probe-sql.ts).
 * - *A change has no place in the feed*: nobody gives it one at the change; see assign-feed-positions-sql.ts.
 *
 * It polls by state and never by "id greater than the last one seen", because rows commit in any order. All
 * of it is bounded per tick and rotates, so its cost follows what can move and never the backlog. Two relays
 * at once would do no harm, only work twice: every statement is conditional.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import type { WatchedExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import type { LookedAt } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import type { Lane } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import type { RelayWork, WorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { buildDeliveryJobId, type DeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import type { DeliveryJobState, DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { splitIntoParts } from '@vendor-server/platform/queue/split-into-parts.ts';
import { toTraceId } from '@vendor-server/platform/tracing/traceparent.ts';
import type { Logger } from 'pino';
import { CLAIM_REST_MS, createLostClaimsFinder } from './find-lost-claims.ts';
import { findProbeDue, type ProbeCursor, startProbes } from './probe-sql.ts';
import { promoteMany } from './promote-many.ts';
import {
  type EndedClaim,
  endExpiredClaims,
  findLateJobs,
  findPromotableEndpoints,
  findStandingLanes,
  type LateJob,
  type LateJobCursor,
  renewGenerations,
} from './relay-sql.ts';

/** A job that is this late and not in the queue is not merely on its way. */
const LATE_AFTER_MS = 2_000;
/**
 * A late job that stays delayed or active for this long, with nobody claiming its delivery, will not run: its
 * clock or its worker is gone. Counted from when the relay first saw it so, not from when it was due: a worker
 * that took hundreds of late jobs at once needs a moment for each.
 */
const STUCK_AFTER_MS = 5_000;
/** What was seen longer ago than this is looked at afresh, so that the memory of it stays small. */
const FORGET_AFTER_MS = 60_000;
const CALM_BEFORE_ENDING_CLAIMS_MS = 5_000;
const MAX_LATE_JOBS = 1_000;
/** In PostgreSQL each costs three statements on four connections, and none waits longer than 0.9 s for one of them. */
const MAX_ASKED_AT_ONCE = 20;
const MAX_EXPIRED_CLAIMS = 500;
/** How many endpoints a tick looks at. */
export const MAX_ENDPOINTS = 200;
/** A lane whose look was lost stands for a second, and one more for as many as are blocked anywhere. */
const MAX_BLOCKED = 500;
const MAX_BROKEN_ENDPOINTS = 1_000;
const BEFORE_ALL_IDS = '';
const BEFORE_ALL_LANES: Lane = { endpointId: BEFORE_ALL_IDS, orderId: BEFORE_ALL_IDS };
const NO_CLAIMS = { endedClaims: 0, givenUp: 0 };

export interface RelayDeps {
  readonly database: Pick<Database, 'pool'>;
  readonly executor: WatchedExecutor;
  readonly queue: DeliveryQueue;
  readonly logger: Logger;
  readonly metrics: Pick<WorkerMetrics, 'countRelayTick' | 'countFinished'>;
  /** A monotonic clock in ms; the process's own unless a test turns it. */
  readonly now?: () => number;
  /** CLAIM_REST_MS, unless a test looks once. */
  readonly claimRestMs?: number;
}

/** Makes a relay that remembers where its rotations stand. Each call is one tick. */
export function createRelayTick(deps: RelayDeps): () => Promise<RelayWork> {
  const { database, executor, queue, logger, metrics } = deps;
  const { now = () => performance.now(), claimRestMs = CLAIM_REST_MS } = deps;
  let lateJobCursor: LateJobCursor | null = null;
  let endpointCursor = BEFORE_ALL_IDS;
  const scheduledSince = new Map<string, number>();
  let probeCursor: ProbeCursor | null = null;
  let laneCursor: Lane = BEFORE_ALL_LANES;
  const findLostClaims = createLostClaimsFinder({ executor, now, restMs: claimRestMs });

  /**
   * What one part has lost is made again before the next is asked about, and the next tick goes on behind the part that
   * failed: a queue that is slow, and fails now and then, is repaired all the same.
   */
  async function remakeLostJobs(): Promise<number> {
    const late = await findLateJobs(executor, LATE_AFTER_MS, lateJobCursor, MAX_LATE_JOBS);
    const lastOfAll = late.length < MAX_LATE_JOBS ? late.at(-1) : undefined;
    lateJobCursor = null;
    forgetOldSightings();
    let remade = 0;
    for (const part of splitIntoParts(late, MAX_ASKED_AT_ONCE)) {
      const last = part.at(-1);
      lateJobCursor = last === undefined || last === lastOfAll ? null : last;
      const lost = await filterLost(part);
      const jobs = lost.length === 0 ? [] : await renewGenerations(executor, lost);
      await addJobs(jobs);
      remade += jobs.length;
    }
    return remade;
  }

  /** An error or a time-out of the queue says nothing about a job: the tick ends, the row stays late. */
  async function filterLost(part: readonly LateJob[]): Promise<LateJob[]> {
    const states = await Promise.all(part.map((job) => queue.stateOf(job.deliveryId, job.generation)));
    return part.filter((job, index) => states[index] === 'gone' || isStuck(job, states[index]));
  }

  function isStuck({ deliveryId, generation }: LateJob, state: DeliveryJobState | undefined): boolean {
    const key = buildDeliveryJobId(deliveryId, generation);
    const since = scheduledSince.get(key);
    if (state !== 'scheduled') {
      scheduledSince.delete(key);
      return false;
    }
    if (since === undefined) scheduledSince.set(key, now());
    return since !== undefined && now() - since >= STUCK_AFTER_MS;
  }

  function forgetOldSightings(): void {
    for (const [key, since] of scheduledSince) {
      if (now() - since > FORGET_AFTER_MS) scheduledSince.delete(key);
    }
  }

  async function endLostClaims(): Promise<Pick<RelayWork, 'endedClaims' | 'givenUp'>> {
    const lost = await findLostClaims();
    if (lost.length === 0 || !executor.isCalmFor(CALM_BEFORE_ENDING_CLAIMS_MS)) return NO_CLAIMS;
    const ended = await endExpiredClaims(executor, lost.slice(0, MAX_EXPIRED_CLAIMS));
    for (const claim of ended) logEndedClaim(logger, claim);
    await addJobs(ended.filter(({ state }) => state === 'queued').map(({ job }) => job));
    metrics.countFinished('superseded', ended.filter(({ state }) => state === 'superseded').length);
    // Commit, then look: the lane is free, or a newer change found the claim.
    const looked = ended.filter(({ state, wantsLatestOnly }) => state !== 'queued' || wantsLatestOnly);
    await promoteAll(looked.map(({ job, endpointId }) => ({ endpointId, orderId: job.orderId })));
    return { endedClaims: ended.length, givenUp: ended.filter(({ state }) => state === 'failed').length };
  }

  async function promoteStanding(): Promise<number> {
    const { seen, promotable } = await findPromotableEndpoints(executor, endpointCursor, MAX_ENDPOINTS);
    endpointCursor = seen.length < MAX_ENDPOINTS ? BEFORE_ALL_IDS : (seen.at(-1) ?? BEFORE_ALL_IDS);

    const { standing, last } = await findStandingLanes(executor, laneCursor, MAX_BLOCKED);
    laneCursor = last ?? BEFORE_ALL_LANES;
    return promoteAll([...promotable.map((endpointId) => ({ endpointId, orderId: null })), ...standing]);
  }

  async function startDueProbes(): Promise<number> {
    const seen = await findProbeDue(executor, probeCursor, MAX_BROKEN_ENDPOINTS);
    probeCursor = seen.length < MAX_BROKEN_ENDPOINTS ? null : (seen.at(-1) ?? null);
    const due = seen.filter(({ isDue }) => isDue).map(({ endpointId }) => endpointId);
    if (due.length === 0) return 0;
    const jobs = await startProbes(executor, due);
    await addJobs(jobs);
    return jobs.length;
  }

  /** Their jobs are added last: a queue that is away must not keep rows from moving. */
  async function promoteAll(places: readonly LookedAt[]): Promise<number> {
    const jobs: DeliveryJobData[] = [];
    try {
      await promoteMany({ database, logger }, places, (promoted) => {
        metrics.countFinished('cancelled', promoted.cancelled);
        metrics.countFinished('superseded', promoted.superseded);
        jobs.push(...promoted.jobs);
      });
    } finally {
      await addJobs(jobs);
    }
    return jobs.length;
  }

  async function addJobs(jobs: readonly DeliveryJobData[]): Promise<void> {
    for (const part of splitIntoParts(jobs)) await queue.add(part.map((data) => ({ data, delayMs: 0 })));
  }

  return async function relayTick() {
    // Claims and lanes need only the database: a queue that is away must not keep them from moving.
    const claims = await endLostClaims().catch(reportAndGive(NO_CLAIMS, logger, 'ending lost claims'));
    const promoted = await promoteStanding().catch(reportAndGive(0, logger, 'promoting'));
    const probes = await startDueProbes().catch(reportAndGive(0, logger, 'probing broken endpoints'));
    const remadeJobs = await remakeLostJobs().catch(reportAndGive(0, logger, 'remaking lost jobs'));
    await assignFeedPositions(database).catch(reportAndGive(0, logger, 'placing changes in the feed'));
    const work = { remadeJobs, ...claims, promoted, probes };
    metrics.countRelayTick(work);
    return work;
  };
}

function logEndedClaim(logger: Logger, { job, state, traceparent, ...ended }: EndedClaim): void {
  const { deliveryId, orderId, status, version } = job;
  const traceId = toTraceId(traceparent);
  const line = {
    orderId,
    deliveryId,
    status,
    version,
    ...ended,
    requeued: state === 'queued',
    traceId,
    responseStatus: null,
    reason: 'interrupted',
  };
  logger.warn(line, 'Attempt interrupted: its worker vanished');
  if (state === 'failed') logger.error({ ...line, endReason: 'interrupted' }, 'Customer webhook failed');
}

function reportAndGive<Nothing>(nothing: Nothing, logger: Logger, step: string): (error: unknown) => Nothing {
  return (error) => {
    logger.warn({ err: error }, `Relay could not finish ${step}; it will try again`);
    return nothing;
  };
}
