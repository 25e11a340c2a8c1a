import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { createBatches, createSingles } from '@vendor-server/platform/database/create-batches.ts';
import type { PatientExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import { isStatementCancelled } from '@vendor-server/platform/database/database-errors.ts';
import type { Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import type { Logger } from 'pino';
import { addLateAnswer, wasRecorded } from './lost-claim-sql.ts';
import {
  type AttemptKey,
  type AttemptRecord,
  type Recorded,
  type RecordedState,
  type RecordedStep,
  recordAttempt,
  recordAttempts,
} from './record-sql.ts';
import { releaseClaim } from './release-claim-sql.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/**
 * A record costs PostgreSQL about 120 µs and this process 25 in a statement for 16, 100 and 12 in one for 64, 90 and 8
 * in one for 128; more would gain next to nothing, and hold the rows longer.
 */
const MAX_TOGETHER = 128;
/** One is worked on by the database while the answer of the other is. */
const MAX_UNDER_WAY = 2;
/** How many wait for whoever holds their rows at once, each with a connection. */
const MAX_WAITING = 2;

export interface Recorder {
  /**
   * Records an attempt, again and again for as long as the process lives: the request was sent and is not sent
   * again because our own database was away.
   *
   * @returns the state that was recorded; `recorded` when an earlier try did it whose answer was lost; `lost` when the
   *   claim had ended before, and the delivery has moved on without this attempt
   */
  recordUntilKnown(
    key: AttemptKey,
    result: AttemptResult,
    step: RecordedStep,
  ): Promise<RecordedState | 'recorded' | 'lost'>;
  /**
   * Gives the claim of an attempt back that was not made (see release-claim-sql.ts), as soon as nobody holds its delivery.
   *
   * @throws when the database is away: then the relay ends the claim
   */
  release(key: AttemptKey, reason: string, pauseMs: number): Promise<void>;
}

interface RecorderDeps {
  readonly executor: PatientExecutor;
  /** Gets the jobs of those that took places in the queue. */
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly logger: Logger;
}

/**
 * The first try goes together with what ends at about the same time. Of a batch that failed each goes by itself: it may
 * have been the doing of one of them, such as an answer that PostgreSQL cannot store, which must not keep the others
 * from being recorded. A failed batch may have committed, too, its answer lost: a token that is gone then may be gone
 * by its own doing, as after any failed try.
 *
 * What is left out of such a statement (see record-sql.ts) is written by one that waits for whoever holds its row. A few
 * wait at once; while they do, the next one that is left out tries again, within a second, by a statement that waits for
 * nobody. So a transaction that holds many rows, and was forgotten, keeps a few connections of the pool, and nobody whose
 * row is free; and no answer stands in line behind somebody's lock, so that it is written within a second or so when its
 * own row is free (the relay ends no claim sooner, see find-lost-claims.ts).
 */
export function createRecorder({ executor, dispatcher, logger }: RecorderDeps): Recorder {
  /** What is not handed over because the process dies here, or the statement's answer is lost, the relay finds. */
  async function handOver<Written extends Pick<Recorded, 'jobs'>>(
    writing: Promise<Written>,
  ): Promise<Written> {
    const written = await writing;
    if (written.jobs.length > 0) void dispatcher.dispatch({ jobs: written.jobs, lanes: [] });
    return written;
  }
  const work = async (records: readonly AttemptRecord[]) =>
    (await handOver(recordAttempts(executor, records))).states;
  const together = createBatches({ work, maxItems: MAX_TOGETHER, maxUnderWay: MAX_UNDER_WAY });
  const singly = createBatches({ work, maxItems: 1, maxUnderWay: MAX_UNDER_WAY });
  const waiting = createSingles<AttemptRecord, RecordedState | null>(
    async ({ key, result, step }) =>
      (await handOver(recordAttempt(executor.waiting, key, result, step))).state,
    MAX_WAITING,
  );

  /** @returns null when it would only stand in line, or was given up while it waited: then nothing was written */
  async function recordLeftOut(
    record: AttemptRecord,
    failures: number,
  ): Promise<RecordedState | 'recorded' | 'lost' | null> {
    if (waiting.isFull()) return null;
    const { key, result } = record;
    try {
      const state = await waiting.hand(record);
      if (state !== null) return state;
    } catch (error) {
      if (!isStatementCancelled(error)) throw error;
      logger.warn({ err: error, ...key }, 'Attempt could not be recorded yet: somebody holds its delivery');
      return null;
    }
    if (failures > 0 && (await wasRecorded(executor, key))) return 'recorded';
    return (await addLateAnswer(executor, key, result)) ? 'lost' : null;
  }

  return {
    async recordUntilKnown(key, result, step) {
      const record = { key, result, step };
      let failures = 0;
      for (let pauseMs = 0; ; pauseMs = await pauseLonger(pauseMs)) {
        try {
          const state = await (failures === 0 ? together : singly).hand(record);
          const known = state ?? (await recordLeftOut(record, failures));
          if (known !== null) return known;
        } catch (error) {
          failures += 1;
          logger.warn({ err: error, ...key, failures }, 'Attempt could not be recorded yet');
        }
      }
    },
    async release(key, reason, pauseMs) {
      let waitedMs = 0;
      while ((await releaseClaim(executor, key, reason, pauseMs)) === 'held')
        waitedMs = await pauseLonger(waitedMs);
    },
  };
}

/** Waits for twice as long as the last time, within bounds. @returns for how long, in milliseconds */
async function pauseLonger(lastMs: number): Promise<number> {
  const pauseMs = Math.min(Math.max(lastMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
  await sleep(pauseMs);
  return pauseMs;
}
