/**
 * Claims and refusals, many to a statement (see claim-sql.ts and refusal-sql.ts). What somebody else has in hand is asked
 * for alone, and waits for them: a few at a time, because each keeps a connection meanwhile. While so many wait, the next
 * one is put off, and its job comes back: a transaction that holds many rows, and was forgotten, keeps a few connections
 * of the pool, and nobody whose row is free.
 *
 * What runs again goes a few at a time. The requests of an endpoint that hangs time out together, and their next attempts
 * are due together: a claim, a connection and a signature each, for which everybody else would wait who came after the
 * first of them. As it is, one who comes waits for a few of them at most.
 *
 * A batch that fails while the database is there may fail for one of its jobs, and they would meet again when they are
 * run again: each is asked for alone. One that fails because the database is away, fails each of its jobs, and they run
 * again. It may have committed although its answer was lost: claims that nobody knows of are ended by the relay when
 * their leases are over, as if each had been made alone.
 */
import { createBatches, createSingles } from '@vendor-server/platform/database/create-batches.ts';
import type { PatientExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import { isDatabaseUnavailable } from '@vendor-server/platform/database/database-errors.ts';
import {
  type ClaimAnswer,
  type ClaimedDelivery,
  type ClaimRequest,
  claimDeliveries,
  claimDelivery,
} from './claim-sql.ts';
import { type ClaimRefusal, type RefusedJob, settleRefusal, settleRefusals } from './refusal-sql.ts';

/** Larger ones cost no less for each, and keep the first of them waiting for the last. */
const MAX_ITEMS = 64;
/** While one is on its way, the next is worked on. */
const MAX_UNDER_WAY = 2;
/** How many claims, and how many refusals, may wait for a lock at once, each with a connection. */
const MAX_WAITING = 2;
/** How many are claimed at once whose jobs run again: some ten milliseconds of work. */
const MAX_REPEATS = 16;
/** When a job comes back that was put off, in milliseconds. */
const PUT_OFF_MS = 1_000;

export interface Claims {
  /** Claims a delivery for one attempt; null when it may not be sent now, or whoever has it in hand takes long. */
  claim(request: ClaimRequest, options?: { isRepeat: boolean }): Promise<ClaimedDelivery | null>;
  /** Looks why `claim` refused, and puts the delivery where it belongs. */
  settleRefusal(job: RefusedJob): Promise<ClaimRefusal>;
}

/** @param defaultTimeoutMs for endpoints without a time-out of their own */
export function createClaims(executor: PatientExecutor, defaultTimeoutMs: number): Claims {
  const claims = createBatches<ClaimRequest, ClaimAnswer>({
    maxItems: MAX_ITEMS,
    maxUnderWay: MAX_UNDER_WAY,
    work: (requests) => claimDeliveries(executor, requests, defaultTimeoutMs),
  });
  const repeats = createSingles<ClaimRequest, ClaimAnswer>((request) => claims.hand(request), MAX_REPEATS);
  const claimsAlone = createSingles<ClaimRequest, ClaimedDelivery | null>(
    (request) => claimDelivery(executor.waiting, request, request.token, defaultTimeoutMs),
    MAX_WAITING,
  );
  const refusals = createBatches<RefusedJob, ClaimRefusal | 'held'>({
    maxItems: MAX_ITEMS,
    maxUnderWay: MAX_UNDER_WAY,
    work: (jobs) => settleRefusals(executor, jobs),
  });
  const refusalsAlone = createSingles<RefusedJob, ClaimRefusal>(
    (job) => settleRefusal(executor.waiting, job),
    MAX_WAITING,
  );

  return {
    async claim(request, { isRepeat } = { isRepeat: false }) {
      const answer = await (isRepeat ? repeats : claims).hand(request).catch(sayFailed);
      if (answer === 'failed') return claimsAlone.hand(request);
      if (answer === 'held') return claimsAlone.isFull() ? null : claimsAlone.hand(request);
      return answer === 'refused' ? null : answer;
    },
    async settleRefusal(job) {
      const refusal = await refusals.hand(job).catch(sayFailed);
      if (refusal === 'failed') return refusalsAlone.hand(job);
      if (refusal !== 'held') return refusal;
      return refusalsAlone.isFull() ? { kind: 'not_yet', retryInMs: PUT_OFF_MS } : refusalsAlone.hand(job);
    },
  };
}

/** @throws when the database is away: alone it would be no better */
function sayFailed(error: unknown): 'failed' {
  if (isDatabaseUnavailable(error)) throw error;
  return 'failed';
}
