/**
 * Works on the replays that were asked for. Everything about a replay is in the database, so a round may be cut
 * off anywhere, and the next one, in whatever process, goes on from there:
 *
 * - A batch is one transaction (see reopen-batch.ts). When the look after its commit is lost, the relay's finds
 *   what was opened.
 * - An end is counted once: in the statement that takes `counts_for_replay` off the delivery, here, or where
 *   something else opens it again before (see platform's reopen-sql.ts). What a delivery becomes by a resend later
 *   is not the replay's any more.
 * - `running` becomes `reopened` when every endpoint's place is at the end of the span, and `completed` when
 *   nothing is left to count.
 *
 * A replay at an endpoint that is paused or disabled waits with the endpoint, and keeps no other one waiting. A
 * round is bounded in time and rotates.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { retryTransient, withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import type { Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import type { Logger } from 'pino';
import { reopenBatch } from './reopen-batch.ts';
import {
  countEnds,
  findOpenPlaces,
  findUnfinishedReplays,
  type ReplayStanding,
  settleReplay,
} from './replay-sql.ts';

const MAX_REPLAYS = 100;
const MAX_ENDS = 1_000;
/** Well below the idle limit of the lock that a round is made under. */
const MAX_ROUND_MS = 3_000;
/** Room comes back when an answer does: soon enough for a quick endpoint, and 20 small batches a second at most. */
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const PROGRESS_LOG_MS = 10_000;

const BEFORE_ALL_IDS = '';

export interface ReplayDeps {
  readonly database: Pick<Database, 'pool'>;
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly logger: Logger;
}

/** Makes a round that remembers where its rotation stands. Gives the pause after it, in milliseconds. */
export function createReplayRound({ database, dispatcher, logger }: ReplayDeps): () => Promise<number> {
  const { pool } = database;
  let afterId = BEFORE_ALL_IDS;
  let pauseMs = SHORTEST_PAUSE_MS;
  /** When a replay's line was written last, on the monotonic clock; only of those that are not completed. */
  const loggedAt = new Map<string, number>();

  /** @returns whether anything changed */
  async function workOn(replayId: string): Promise<boolean> {
    let hasMoved = false;
    for (const endpointId of await findOpenPlaces(pool, replayId)) {
      const batch = await retryTransient(() =>
        withTransaction(pool, (client) => reopenBatch(client, replayId, endpointId)),
      );
      hasMoved ||= batch.hasMoved;
      // Commit, then look.
      await dispatcher.dispatch({ jobs: [], lanes: batch.opened });
    }
    const counted = await countEnds(pool, replayId, MAX_ENDS);
    const standing = await settleReplay(pool, replayId);
    if (standing === null) {
      loggedAt.delete(replayId);
      return hasMoved;
    }
    report(replayId, standing);
    return hasMoved || counted > 0 || standing.hasChanged;
  }

  function report(replayId: string, { hasChanged, state, durationMs, ...rest }: ReplayStanding): void {
    const line = { replayId, ...rest, durationMs };
    const now = performance.now();
    const before = loggedAt.get(replayId);
    if (state === 'completed') {
      loggedAt.delete(replayId);
      if (hasChanged) logger.info(line, 'Replay completed');
      return;
    }
    if (before === undefined) logger.info(line, 'Replay taken up');
    if (hasChanged && state === 'reopened') logger.info(line, 'Replay opened all its deliveries again');
    else if (before !== undefined && now - before >= PROGRESS_LOG_MS) logger.info(line, 'Replay under way');
    else if (before !== undefined) return;
    loggedAt.set(replayId, now);
  }

  return async function replayRound() {
    const startedAt = performance.now();
    const replayIds = await findUnfinishedReplays(pool, afterId, MAX_REPLAYS);
    if (replayIds.length === 0 && afterId === BEFORE_ALL_IDS) loggedAt.clear();
    let hasMoved = false;
    let isCutOff = false;
    for (const replayId of replayIds) {
      isCutOff = performance.now() - startedAt > MAX_ROUND_MS;
      if (isCutOff) break;
      afterId = replayId;
      const moved = await workOn(replayId).catch((error: unknown) => {
        logger.warn({ err: error, replayId }, 'Replay could not go on; it will try again');
        return false;
      });
      hasMoved ||= moved;
    }
    if (!isCutOff && replayIds.length < MAX_REPLAYS) afterId = BEFORE_ALL_IDS;
    pauseMs = hasMoved ? SHORTEST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    return pauseMs;
  };
}
