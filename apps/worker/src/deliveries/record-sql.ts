/**
 * The record: what came of an attempt, written before its job ends.
 *
 * Both statements are fenced by the claim's token. A worker whose lease ran out finds the token gone: its
 * delivery has moved on, perhaps to another worker, so it may add to its own attempt row and to nothing else.
 *
 * (`coalesce(claim_token, '')` fits no partial index, see platform's promote-sql.ts: the row is found by its id.)
 */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { IS_REPLACED, SUPERSEDED } from '@vendor-server/platform/deliveries/supersede-sql.ts';

export interface AttemptKey {
  readonly deliveryId: string;
  readonly attemptNumber: number;
  readonly token: string;
}

/** The delivery's new state after an attempt. */
export type RecordedStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** `holdIn` queue: stays `queued`, its job comes back; database: `waiting`, its job ends. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly holdIn: 'queue' | 'database' }
  /**
   * Stays `queued`, its job comes back at once; the budget is left whole. What was refused is noted, because what
   * deliveries begin with may be another one by then: of two that were refused at once, the first to be accepted
   * changes it.
   */
  | { readonly kind: 'retry_with_other_secret'; readonly refusedSecretHash: string }
  /** Back to `waiting`, due and with its budget as before, and its job ends. */
  | { readonly kind: 'wait_on' };

/** What is known to have become of an attempt: `superseded` where its delivery would have been sent again. */
export type KnownStep = RecordedStep | { readonly kind: 'superseded' | 'lost' };

/** The state in which an attempt leaves its delivery. */
export type RecordedState = 'delivered' | 'failed' | 'queued' | 'waiting' | 'superseded';

/** The state of the row, and in how many milliseconds it is due again; null: when it was. */
function toRowState(step: RecordedStep): { readonly state: RecordedState; readonly delayMs: number | null } {
  switch (step.kind) {
    case 'delivered':
    case 'failed':
      return { state: step.kind, delayMs: null };
    case 'retry_with_other_secret':
      return { state: 'queued', delayMs: 0 };
    case 'wait_on':
      return { state: 'waiting', delayMs: null };
    case 'retry':
      return { state: step.holdIn === 'queue' ? 'queued' : 'waiting', delayMs: step.delayMs };
  }
}

/**
 * Writes the attempt's end and the delivery's new state in one statement. Of what would be sent again:
 *
 * - What a newer change replaces, made meanwhile, is `superseded`. That goes for a try with the other of two secrets,
 *   too: the newer one is sent at once, and finds out by itself which secret the endpoint takes.
 * - What would stay `queued` becomes `waiting` when its endpoint has closed meanwhile: its job would only be put back.
 *
 * @returns the state it is in; null when the claim is no longer this attempt's, and nothing was written
 */
export async function recordAttempt(
  executor: SqlExecutor,
  key: AttemptKey,
  result: AttemptResult,
  step: RecordedStep,
): Promise<RecordedState | null> {
  const { state, delayMs } = toRowState(step);
  const { rows } = await executor.query<{ state: RecordedState }>({
    name: 'record-attempt',
    text: `
      with fate as (
        select case when $4 in ('queued', 'waiting')
                     and exists (select 1 from deliveries d where d.id = $1 and ${IS_REPLACED}) then 'superseded'
                    when $4 = 'queued'
                     and exists (select 1 from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
                                  where d.id = $1 and (e.state <> 'active' or e."window" = 0)) then 'waiting'
                    else $4 end as state
      ), recorded as (
        update deliveries d
           set state = fate.state, claim_token = null, claimed_until = null, is_probe = false, interrupted_count = 0,
               budget_used = budget_used + case when is_probe or $12 then 0 else 1 end,
               use_other_secret = $12, refused_secret_hash = $13,
               due_at = case when $5::float8 is not null
                             then clock_timestamp() + make_interval(secs => $5::float8 / 1000) else due_at end,
               job_due_at = case when fate.state = 'queued'
                                 then clock_timestamp() + make_interval(secs => $5::float8 / 1000) end,
               finished_at = case when fate.state in ('delivered', 'failed', 'superseded')
                                  then date_trunc('milliseconds', clock_timestamp()) end,
               last_outcome = $6, last_response_status = $7,
               last_error = case when fate.state = 'superseded' then '${SUPERSEDED}' else $8 end
          from fate
         where d.id = $1 and coalesce(d.claim_token, '') = $3
        returning d.id, d.state
      )
      update delivery_attempts a
         set ended_at = date_trunc('milliseconds', clock_timestamp()), duration_ms = $10, outcome = $6,
             reason = $14, response_status = $7, error = $11, response_excerpt = $9
        from recorded r
       where a.delivery_id = r.id and a.attempt_number = $2 and a.claim_token = $3
      returning r.state`,
    values: [
      key.deliveryId,
      key.attemptNumber,
      key.token,
      state,
      delayMs,
      result.outcome,
      result.responseStatus,
      step.kind === 'failed' ? step.reason : result.error,
      result.responseExcerpt,
      Math.round(result.durationMs),
      result.error,
      step.kind === 'retry_with_other_secret',
      step.kind === 'retry_with_other_secret' ? step.refusedSecretHash : null,
      result.reason,
    ],
  });
  return rows[0]?.state ?? null;
}

/**
 * Gives a claim back after a fault of ours: the attempt is closed as `interrupted`, which uses no budget, and the
 * delivery waits for `pauseMs` at the head of its lane. A probe is none any more, and as due as it was.
 *
 * @returns false when the claim is no longer this attempt's
 */
export async function releaseClaim(
  executor: SqlExecutor,
  key: AttemptKey,
  reason: string,
  pauseMs: number,
): Promise<boolean> {
  const { rowCount } = await executor.query({
    name: 'release-claim',
    text: `
      with released as (
        update deliveries
           set state = 'waiting', claim_token = null, claimed_until = null, job_due_at = null, is_probe = false,
               due_at = case when is_probe then due_at
                             else clock_timestamp() + make_interval(secs => $4::float8 / 1000) end,
               last_outcome = 'interrupted', last_error = $5
         where id = $1 and coalesce(claim_token, '') = $3
        returning id
      )
      update delivery_attempts a
         set ended_at = date_trunc('milliseconds', clock_timestamp()), outcome = 'interrupted', reason = 'own_fault',
             error = $5, duration_ms = extract(epoch from clock_timestamp() - a.started_at) * 1000
        from released r
       where a.delivery_id = r.id and a.attempt_number = $2 and a.claim_token = $3`,
    values: [key.deliveryId, key.attemptNumber, key.token, pauseMs, reason],
  });
  return rowCount === 1;
}

/**
 * Whether an earlier try of `recordAttempt` committed although its answer was lost: the attempt is ended, and
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
