/**
 * One attempt of one delivery: claim, send, decide, record, announce.
 *
 * Why a worker cannot send after its lane has moved on: `askedAt` is read *before* the claim, so the lease,
 * which the database counts from the claim, ends at the earliest at `askedAt` + time-out + LEASE_MARGIN_MS. (It is read
 * when the statement is sent, which may be a while after the job was taken: one that waits for a batch, or alone for
 * somebody's lock, loses nothing of its time.)
 * The sender writes nothing after its deadline, checked on the same monotonic clock right before the request
 * is written, and the deadline lies BODY_TIME_MS + END_MARGIN_MS before that end. However long the process was stopped in
 * between, it finds its deadline passed; and the relay ends no lease before its end. (The monotonic clock goes on
 * while a process is stopped, but not while its whole machine is suspended: such a machine may send late.)
 *
 * Why the lease of a worker that runs is not over before its answer is recorded, or tried to be: an answer ends
 * BODY_TIME_MS after the deadline at the latest, whenever its headers were read, and END_MARGIN_MS are left then for the
 * record; a request without one ends at its turn after the deadline, of as many as a process may have on its way two and a half
 * seconds later at the latest.
 *
 * A claim whose answer took so long that the whole time-out does not fit in before that deadline is given back: a request
 * that is cut short would use the endpoint's budget, and its window, for what only the database did.
 *
 * What an endpoint leaves unanswered ends in one moment, and would be due again in one moment. The sender ends a few of its
 * requests at a time; jobs that run again end a few at a time, too, and so the next attempts are spread: nobody who is
 * answered waits for all of it.
 */
import { randomUUID } from 'node:crypto';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { decideAfterAttempt } from '@vendor-server/domain/deliveries/decide-after-attempt.ts';
import { describeOutcome } from '@vendor-server/domain/deliveries/describe-outcome.ts';
import type { PatientExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import type { Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import type { WorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { redactEchoes } from '@vendor-server/platform/secrets/redact-echoes.ts';
import type { SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import type { Tracer } from '@vendor-server/platform/tracing/tracer.ts';
import type { Sender } from '@vendor-server/sender/create-sender.ts';
import type { TakeTurn } from '@vendor-server/sender/create-turns.ts';
import { BODY_TIME_MS } from '@vendor-server/sender/exchange.ts';
import type { Logger } from 'pino';
import { sendInSpan } from './attempt-span.ts';
import { buildAttemptRequest } from './build-attempt-request.ts';
import { type ClaimedDelivery, LEASE_MARGIN_MS } from './claim-sql.ts';
import { countAttempt } from './count-attempt.ts';
import type { Claims } from './create-claims.ts';
import { describeAttempt } from './describe-attempt.ts';
import { logAttempt, logExchange } from './log-attempt.ts';
import type { EndpointHealthNotes } from './note-endpoint-health.ts';
import type { Recorder } from './record-attempt.ts';
import type { AttemptKey, KnownStep, RecordedStep } from './record-sql.ts';
import { adoptAcceptedSecret, findOtherSecret } from './shared-secret.ts';

/** How long before its lease an attempt ends at the latest, in milliseconds. */
const END_MARGIN_MS = 1_000;
/** How long a claim may take, in milliseconds. */
const MAX_CLAIM_MS = LEASE_MARGIN_MS - BODY_TIME_MS - END_MARGIN_MS;
/** Long enough that a worker with wrong keys does no harm, short enough for an operator who mends it. */
const OWN_FAULT_PAUSE_MS = 30_000;
/** After a claim that took too long: whoever gave it back had an answer of the database just before. */
const LATE_CLAIM_PAUSE_MS = 1_000;

export interface AttemptDeps {
  readonly executor: PatientExecutor;
  readonly claims: Claims;
  readonly sender: Sender;
  readonly dispatcher: Dispatcher;
  readonly secretBox: SecretBox;
  readonly settings: Pick<Settings, 'webhookRetryDelaysMs' | 'debugWebhooks'>;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly recorder: Recorder;
  readonly endpointHealth: EndpointHealthNotes;
  readonly tracer: Tracer;
  /** Shared by all attempts of a process. */
  readonly takeTurn: TakeTurn;
}

/** What becomes of the job. `summary` is what operators read on it of the attempt, `reason` why that failed. */
export type AttemptEnd =
  | { readonly kind: 'done'; readonly summary: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly summary: string }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly reason: string; readonly summary: string }
  /** Nothing was attempted: another job answers for the delivery, or it is put off. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'not_yet'; readonly retryInMs: number };

export interface AttemptedJob {
  readonly deliveryId: string;
  readonly generation: number;
  /** The job has run before: it lets those go first that have not. */
  readonly isRepeat?: boolean;
}

const SKIPPED: AttemptEnd = { kind: 'skipped' };

/**
 * Attempts the delivery if this job may, and records what came of it before it returns.
 *
 * @throws when the database cannot be reached; never for what the endpoint does
 */
export async function attemptDelivery(
  deps: AttemptDeps,
  { deliveryId, generation, isRepeat = false }: AttemptedJob,
): Promise<AttemptEnd> {
  const job = { deliveryId, generation };
  const token = randomUUID();
  const claimed = await deps.claims.claim({ ...job, token }, { isRepeat });
  if (claimed === null) return endRefused(deps, job);

  const key = { deliveryId: claimed.deliveryId, attemptNumber: claimed.attemptNumber, token };
  const claimedInMs = performance.now() - claimed.askedAt;
  if (claimedInMs > MAX_CLAIM_MS) return endLateClaim(deps, claimed, key, claimedInMs);
  const latestSendAt = claimed.askedAt + MAX_CLAIM_MS + claimed.timeoutMs;
  let result: AttemptResult;
  try {
    result = await send(deps, claimed, latestSendAt);
  } catch (error) {
    return endOwnFault(deps, claimed, key, error);
  }

  const step = await decideStep(deps, claimed, result);
  const fate = await deps.recorder.recordUntilKnown(key, result, step);
  const known = fate === 'lost' || fate === 'superseded' ? { kind: fate } : step;
  // Also when it was to stay in the queue: its endpoint has no room for it, and whoever moves it makes a new job.
  const hasLeftQueue = fate === 'waiting';
  countAttempt(deps.metrics, claimed, result, known);
  logAttempt(deps.logger, claimed, result, known);
  const summary = describeAttempt(claimed.attemptNumber, result, known);
  if (known.kind === 'lost') return { kind: 'done', summary };
  // A record that supersedes says as much of the endpoint as the step it was to be.
  await deps.endpointHealth.note(claimed, result, step);
  if (known.kind === 'retry' || known.kind === 'retry_with_other_secret') await deps.takeTurn();
  return endRecorded(deps, claimed, result, known, summary, hasLeftQueue);
}

async function send(
  { secretBox, sender, settings, logger, tracer }: AttemptDeps,
  claimed: ClaimedDelivery,
  latestSendAt: number,
): Promise<AttemptResult> {
  return sendInSpan(tracer, claimed, async (traceparent) => {
    const { secrets, ...request } = buildAttemptRequest(secretBox, claimed, traceparent);
    const deadline = Math.min(performance.now() + claimed.timeoutMs, latestSendAt);
    const result = redactEchoes(await sender.send({ ...request, deadline }), secrets);
    if (settings.debugWebhooks) logExchange(logger, claimed, request, result);
    return result;
  });
}

/**
 * What the sender throws is no answer of the endpoint's: a secret that cannot be opened with this process's keys,
 * a mistake in the code. The delivery costs nothing and waits; another worker, or this one mended, may send it.
 */
async function endOwnFault(
  deps: AttemptDeps,
  claimed: ClaimedDelivery,
  key: AttemptKey,
  error: unknown,
): Promise<AttemptEnd> {
  deps.logger.error(
    { err: error, ...nameAttempt(claimed), retryInMs: OWN_FAULT_PAUSE_MS },
    'Webhook could not be sent by a fault of ours',
  );
  deps.metrics.countOwnFault();
  const why = 'own_fault: This attempt could not be made; see the log.';
  return giveBack(deps, claimed, key, why, OWN_FAULT_PAUSE_MS);
}

/** The database hung, or somebody's lock did; the endpoint has no part in it. */
async function endLateClaim(
  deps: AttemptDeps,
  claimed: ClaimedDelivery,
  key: AttemptKey,
  claimedInMs: number,
): Promise<AttemptEnd> {
  deps.logger.warn(
    { ...nameAttempt(claimed), claimedInMs: Math.round(claimedInMs), retryInMs: LATE_CLAIM_PAUSE_MS },
    'Webhook was not sent: its claim took too long',
  );
  deps.metrics.countLateClaim();
  const why = 'own_fault: The database took too long to begin this attempt; nothing was sent.';
  return giveBack(deps, claimed, key, why, LATE_CLAIM_PAUSE_MS);
}

function nameAttempt({ orderId, deliveryId, endpointId, requestId, attemptNumber }: ClaimedDelivery) {
  return { orderId, deliveryId, endpointId, requestId, attempt: attemptNumber };
}

async function giveBack(
  { recorder, dispatcher }: AttemptDeps,
  { endpointId, orderId }: ClaimedDelivery,
  key: AttemptKey,
  why: string,
  pauseMs: number,
): Promise<AttemptEnd> {
  await recorder.release(key, why, pauseMs);
  await dispatcher.dispatch({ jobs: [], lanes: [{ endpointId, orderId }] });
  return SKIPPED;
}

async function decideStep(
  deps: AttemptDeps,
  claimed: ClaimedDelivery,
  result: AttemptResult,
): Promise<RecordedStep> {
  const step = decideAfterAttempt({
    result,
    // A probe comes on top of the budget, and ends it neither.
    budgetUsed: claimed.isProbe ? 0 : claimed.budgetUsed + 1,
    retryDelaysMs: claimed.retryDelaysMs ?? deps.settings.webhookRetryDelaysMs,
    hasOtherSecret: await findOtherSecret(deps, claimed, result),
    now: new Date(),
  });
  if (claimed.isProbe && step.kind === 'retry') return { kind: 'wait_on' };
  if (step.kind !== 'retry_with_other_secret') return step;
  const { sharedSecretHash } = claimed;
  if (sharedSecretHash === null) throw new Error('no secret was sent that another one could replace');
  return { ...step, refusedSecretHash: sharedSecretHash };
}

async function endRefused(
  deps: AttemptDeps,
  job: { readonly deliveryId: string; readonly generation: number },
): Promise<AttemptEnd> {
  const refusal = await deps.claims.settleRefusal(job);
  if (refusal.kind === 'not_yet') return refusal;
  if (refusal.kind === 'endpoint_closed') {
    const { endpointId, orderId, isDeleted } = refusal;
    if (isDeleted) deps.metrics.countFinished('cancelled', 1);
    await deps.dispatcher.dispatch({ jobs: [], lanes: [{ endpointId, orderId }] });
  }
  return SKIPPED;
}

async function endRecorded(
  deps: AttemptDeps,
  claimed: ClaimedDelivery,
  result: AttemptResult,
  step: KnownStep,
  summary: string,
  hasLeftQueue: boolean,
): Promise<AttemptEnd> {
  const reason = describeOutcome(result);
  const { endpointId, orderId } = claimed;
  // Commit, then look: the lane's next may go, and room was freed.
  const lookAtLane = () => deps.dispatcher.dispatch({ jobs: [], lanes: [{ endpointId, orderId }] });
  const isInQueue = step.kind === 'retry' ? step.holdIn === 'queue' : step.kind === 'retry_with_other_secret';
  if (isInQueue && !hasLeftQueue) {
    // A newer change that the record did not see has seen the claim.
    if (claimed.wantsLatestOnly) await lookAtLane();
    return { kind: 'retry', delayMs: step.kind === 'retry' ? step.delayMs : 0, reason, summary };
  }
  if (step.kind === 'delivered') await adoptAcceptedSecret(deps, claimed);
  await lookAtLane();
  if (step.kind !== 'failed') return { kind: 'done', summary };
  return {
    kind: 'failed',
    reason: step.reason === result.outcome ? reason : `${step.reason}: ${reason}`,
    summary,
  };
}
