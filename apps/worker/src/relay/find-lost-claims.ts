/**
 * Which claims are lost: their leases are over, and no worker is left that may still record an answer.
 *
 * A worker that is alive has recorded its answer long before its lease is over, or it could not because
 * - *the database is slow, or away*: the relay ends nothing then, nor for some seconds after; or because
 * - *somebody has the delivery's row in hand*, such as a transaction that was forgotten. However calm the database is,
 *   when the row is let go the answer is recorded within two seconds (see record-attempt.ts: a pause of a second at
 *   most, and a statement). Who ended the claim sooner would send its receiver the same once more.
 *
 * So a claim is lost when its row was free at a look CLAIM_REST_MS ago, and at each look since. The looks at a claim begin
 * before its lease is over, so that a worker's death costs its deliveries no further wait. The attempt of a worker that is
 * alive has ended half a second before its lease, however long its claim took (see attempt-delivery.ts): by the look that finds
 * the lease over its answer was recorded, or the row was held.
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type ClaimName, findEndingClaims } from './relay-sql.ts';

/** How long a row must have been free, in milliseconds. */
export const CLAIM_REST_MS = 2_000;
/** How long before a lease is over its claim is looked at for the first time, in milliseconds. */
const LOOK_AHEAD_MS = 2_000;
/** As many as two workers have on their way. */
const MAX_LOOKED_AT = 2_048;

export interface LostClaimsDeps {
  readonly executor: SqlExecutor;
  /** A monotonic clock in ms. */
  readonly now: () => number;
  /** CLAIM_REST_MS, unless a test looks once. */
  readonly restMs: number;
}

/** Makes a look that remembers the ones before. Each gives the claims that are lost, the oldest first. */
export function createLostClaimsFinder({
  executor,
  now,
  restMs,
}: LostClaimsDeps): () => Promise<ClaimName[]> {
  /** When a claim's row was first seen free, by its token; what was held since is forgotten. */
  let freeSince = new Map<string, number>();

  return async function findLostClaims() {
    const at = now();
    const ending = await findEndingClaims(executor, LOOK_AHEAD_MS, MAX_LOOKED_AT);
    const free = ending.filter(({ isHeld }) => !isHeld);
    freeSince = new Map(free.map(({ token }) => [token, freeSince.get(token) ?? at]));
    return free.filter(({ token, isOver }) => isOver && at - (freeSince.get(token) ?? at) >= restMs);
  };
}
