/**
 * Gives up what closed endpoints (paused, broken, disabled) hold for longer than `WEBHOOK_MAX_HOLD_MS`: `failed`,
 * `held_too_long`. It is kept like anything that failed, and can be sent again by a resend or a replay.
 *
 * Why nothing is sent afterwards, nothing is lost and nobody is given up who could have gone:
 *
 * 1. *Only what waits is ended*, and what waits enters the queue under one of the endpoint's two locks: by `promote`
 *    under the advisory one, as a probe under its row's. With both in hand, what is seen waiting stays so. What is
 *    queued, a probe on its way included, is not touched.
 * 2. *Whoever opens the endpoint goes first or second.* Opening writes its row, which is locked here after it was
 *    seen closed: an endpoint that opened before is left alone, one that opens after finds these ended.
 * 3. *The update is conditional* on what it read. What another transaction ended meanwhile without this lock (a
 *    newer change that superseded it) stays as that one left it.
 * 4. *Commit, then look.* An end lets the lane's next go to its head, with a time of its own: it has not been held
 *    yet. A change that commits meanwhile is `blocked` behind what it saw open, and one of the two looks finds it.
 *    If the look is lost, the relay's finds it.
 *
 * So a round may be cut off anywhere, and two at once would do no harm.
 */

import { HELD_TOO_LONG } from '@vendor-server/domain/endpoints/hold.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { retryTransient, withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import type { Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import type { WorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { toTraceId } from '@vendor-server/platform/tracing/traceparent.ts';
import type { Logger } from 'pino';
import { findOverdueEndpoints, type GivenUpDelivery, giveUpOverdue, lockLongClosed } from './hold-sql.ts';

const MAX_ENDPOINTS = 100;
/** Each ends a lane's head; their lanes are looked at together. */
const MAX_GIVEN_UP = 200;
/** Well below the idle limit of the lock that a round is made under. */
const MAX_ROUND_MS = 3_000;
const BEFORE_ALL_IDS = '';

export interface HoldDeps {
  readonly database: Pick<Database, 'pool'>;
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly metrics: Pick<WorkerMetrics, 'countFinished'>;
  readonly logger: Logger;
  /** How long a due delivery may be held. */
  readonly maxHoldMs: number;
  /** A monotonic clock in ms; the process's own unless a test turns it. */
  readonly now?: () => number;
}

/** Makes a round that remembers where its rotation stands. True when there is more to do at once. */
export function createHoldRound(deps: HoldDeps): () => Promise<boolean> {
  const { database, dispatcher, metrics, logger, maxHoldMs, now = () => performance.now() } = deps;
  let afterId = BEFORE_ALL_IDS;

  /** @returns whether as many were given up as may be at once */
  async function giveUpAt(endpointId: string): Promise<boolean> {
    const givenUp = await retryTransient(() =>
      withTransaction(database.pool, async (transaction) => {
        await lockEndpoint(transaction, endpointId);
        if (!(await lockLongClosed(transaction, endpointId, maxHoldMs))) return [];
        return giveUpOverdue(transaction, endpointId, maxHoldMs, MAX_GIVEN_UP);
      }),
    );
    metrics.countFinished('failed', givenUp.length);
    for (const delivery of givenUp) logGivenUp(logger, delivery);
    await dispatcher.dispatch({ jobs: [], lanes: givenUp.map(({ orderId }) => ({ endpointId, orderId })) });
    return givenUp.length === MAX_GIVEN_UP;
  }

  return async function holdRound() {
    const startedAt = now();
    const endpointIds = await findOverdueEndpoints(database.pool, afterId, maxHoldMs, MAX_ENDPOINTS);
    let hasMore = endpointIds.length === MAX_ENDPOINTS;
    for (const endpointId of endpointIds) {
      if (now() - startedAt > MAX_ROUND_MS) return true;
      afterId = endpointId;
      const isFull = await giveUpAt(endpointId).catch((error: unknown) => {
        logger.warn(
          { err: error, endpointId },
          'What it holds could not be given up; it will be tried again',
        );
        return false;
      });
      hasMore ||= isFull;
    }
    if (endpointIds.length < MAX_ENDPOINTS) afterId = BEFORE_ALL_IDS;
    return hasMore;
  };
}

function logGivenUp(logger: Logger, { traceparent, ...delivery }: GivenUpDelivery): void {
  const line = { ...delivery, traceId: toTraceId(traceparent), endReason: HELD_TOO_LONG };
  logger.error(line, 'Customer webhook failed');
}
