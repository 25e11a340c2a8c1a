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
 */
export async function addLateAnswer(
  executor: SqlExecutor,
  key: AttemptKey,
  result: AttemptResult,
): Promise<void> {
  await executor.query({
    name: 'add-late-answer',
    text: `with unerased as (
             select o.id from deliveries d join orders o on o.id = d.order_id
              where d.id = $1 and o.personal_data_erased_at is null
                for share of o
           )
           update delivery_attempts
              set response_status = $4, error = $6,
                  response_excerpt = case when exists (select 1 from unerased) then $5 end
            where delivery_id = $1 and attempt_number = $2 and claim_token = $3 and outcome = 'interrupted'`,
    values: [
      key.deliveryId,
      key.attemptNumber,
      key.token,
      result.responseStatus,
      result.responseExcerpt,
      `answered after its lease ran out: ${result.outcome}`,
    ],
  });
}
