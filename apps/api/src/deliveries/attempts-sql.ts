import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Resends add attempts without end: of more than this the newest are shown. */
export const MAX_ATTEMPTS_SHOWN = 100;

export interface AttemptRow {
  attemptNumber: number;
  trigger: AttemptTrigger;
  startedAt: Date;
  /** Null while under way, as are the next six. */
  endedAt: Date | null;
  durationMs: number | null;
  outcome: AttemptOutcome | null;
  /** Null also for attempts from before reasons were kept. */
  reason: AttemptReason | null;
  responseStatus: number | null;
  /** The first 1 KiB of the answer. */
  responseExcerpt: string | null;
  error: string | null;
}

/** Why an attempt was made; `resume` follows an interrupted one. */
export const ATTEMPT_TRIGGERS = [
  'first',
  'retry',
  'resend',
  'replay',
  'probe',
  'rotation',
  'resume',
] as const;
export type AttemptTrigger = (typeof ATTEMPT_TRIGGERS)[number];

/**
 * The newest attempts of a delivery, oldest first.
 *
 * @param deliveryId of a delivery that the caller may see
 */
export async function readNewestAttempts(executor: SqlExecutor, deliveryId: string): Promise<AttemptRow[]> {
  const { rows } = await executor.query<AttemptRow>({
    name: 'read-newest-attempts',
    text: `
      select attempt_number as "attemptNumber", trigger, started_at as "startedAt", ended_at as "endedAt",
             duration_ms as "durationMs", outcome, reason, response_status as "responseStatus",
             response_excerpt as "responseExcerpt", error
        from delivery_attempts
       where delivery_id = $1
       order by attempt_number desc
       limit ${MAX_ATTEMPTS_SHOWN}`,
    values: [deliveryId],
  });
  return rows.reverse();
}
