/** What a worker asks and writes that finds its claim gone. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { AttemptKey } from './record-sql.ts';

/**
 * Whether an earlier try of a record committed although its answer was lost: the attempt is ended, and
 * not as `interrupted`.
 */
export async function wasRecorded(executor: SqlExecutor, key: AttemptKey): Promise<boolean> {
  const { rows } = await executor.query<{ recorded: boolean }>({
    name: 'was-recorded',
    text: `select outcome is not null and outcome <> 'interrupted' as recorded from delivery_attempts
            where delivery_id = $1 and attempt_number = $2 and claim_token = $3`,
    values: [key.deliveryId, key.attemptNumber, key.token],
  });
  return rows[0]?.recorded ?? false;
}

/**
 * Adds the answer of an attempt whose claim was lost to its own row; its outcome stays `interrupted`. Its delivery
 * may have ended meanwhile and the order's personal data may have been erased, which what a receiver says could
 * repeat: the order's row is looked at under a lock that the erasure takes, too, and then the text is left out.
 *
 * Waits for nobody.
 *
 * @returns false when nothing was written yet, because somebody holds the order's row
 */
export async function addLateAnswer(
  executor: SqlExecutor,
  key: AttemptKey,
  result: AttemptResult,
): Promise<boolean> {
  const { rows } = await executor.query<{ settled: boolean }>({
    name: 'add-late-answer',
    text: `with seen as (
             select o.personal_data_erased_at is not null as erased
               from deliveries d join orders o on o.id = d.order_id
              where d.id = $1
                for share of o skip locked
           ), added as (
             update delivery_attempts a
                set response_status = $4, error = $6, response_excerpt = case when not s.erased then $5 end
               from seen s
              where a.delivery_id = $1 and a.attempt_number = $2 and a.claim_token = $3 and a.outcome = 'interrupted'
           )
           select exists (select 1 from seen) or not exists (select 1 from deliveries where id = $1) as settled`,
    values: [
      key.deliveryId,
      key.attemptNumber,
      key.token,
      result.responseStatus,
      result.responseExcerpt,
      `answered after its lease ran out: ${result.outcome}`,
    ],
  });
  return rows[0]?.settled ?? true;
}
