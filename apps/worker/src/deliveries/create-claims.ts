/**
 * Claims and refusals, many to a statement (see claim-sql.ts and refusal-sql.ts). What somebody else has in hand is asked
 * for alone, and waits for them: a few at a time, because each keeps a connection meanwhile.
 *
 * A batch that fails, fails each of its jobs, and they run again. It may have committed although its answer was lost:
 * claims that nobody knows of are ended by the relay when their leases are over, as if each had been made alone.
 */
import { type Batches, createBatches } from '@vendor-server/platform/database/create-batches.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
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
/** How many may wait for a lock at once, each with a connection. */
const MAX_WAITING = 4;

export interface Claims {
  /** Claims a delivery for one attempt; null when it may not be sent now. */
  claim(request: ClaimRequest): Promise<ClaimedDelivery | null>;
  /** Looks why `claim` refused, and puts the delivery where it belongs. */
  settleRefusal(job: RefusedJob): Promise<ClaimRefusal>;
}

/** @param defaultTimeoutMs for endpoints without a time-out of their own */
export function createClaims(executor: SqlExecutor, defaultTimeoutMs: number): Claims {
  const claims = createBatches<ClaimRequest, ClaimAnswer>({
    maxItems: MAX_ITEMS,
    maxUnderWay: MAX_UNDER_WAY,
    work: (requests) => claimDeliveries(executor, requests, defaultTimeoutMs),
  });
  const claimsAlone = createSingles((request: ClaimRequest) =>
    claimDelivery(executor, request, request.token, defaultTimeoutMs),
  );
  const refusals = createBatches<RefusedJob, ClaimRefusal | 'held'>({
    maxItems: MAX_ITEMS,
    maxUnderWay: MAX_UNDER_WAY,
    work: (jobs) => settleRefusals(executor, jobs),
  });
  const refusalsAlone = createSingles((job: RefusedJob) => settleRefusal(executor, job));

  return {
    async claim(request) {
      const answer = await claims.hand(request);
      if (answer === 'held') return claimsAlone.hand(request);
      return answer === 'refused' ? null : answer;
    },
    async settleRefusal(job) {
      const refusal = await refusals.hand(job);
      return refusal === 'held' ? refusalsAlone.hand(job) : refusal;
    },
  };
}

function createSingles<Item, Result>(work: (item: Item) => Promise<Result>): Batches<Item, Result> {
  return createBatches({
    maxItems: 1,
    maxUnderWay: MAX_WAITING,
    work: (items: readonly Item[]) => Promise.all(items.map(work)),
  });
}
