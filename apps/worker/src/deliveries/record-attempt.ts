import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Logger } from 'pino';
import {
  type AttemptKey,
  addLateAnswer,
  type RecordedState,
  type RecordedStep,
  recordAttempt,
  wasRecorded,
} from './record-sql.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Records an attempt, again and again for as long as the process lives: the request was sent and is not sent
 * again because our own database was away.
 *
 * @returns the state that was recorded; `recorded` when an earlier try did it whose answer was lost; `lost` when the
 *   claim had ended before, and the delivery has moved on without this attempt
 */
export async function recordUntilKnown(
  executor: SqlExecutor,
  key: AttemptKey,
  result: AttemptResult,
  step: RecordedStep,
  logger: Logger,
): Promise<RecordedState | 'recorded' | 'lost'> {
  for (let failures = 0; ; failures += 1) {
    try {
      const state = await recordAttempt(executor, key, result, step);
      if (state !== null) return state;
      if (failures > 0 && (await wasRecorded(executor, key))) return 'recorded';
      await addLateAnswer(executor, key, result);
      return 'lost';
    } catch (error) {
      logger.warn({ err: error, ...key, failures: failures + 1 }, 'Attempt could not be recorded yet');
      await sleep(Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS));
    }
  }
}
