/**
 * The record: what came of an attempt, written before its job ends. Attempts that end at about the same time are
 * written together (`recordAttempts`), each as if it were alone.
 *
 * Every statement is fenced by the claim's token. A worker whose lease ran out finds the token gone: its
 * delivery has moved on, perhaps to another worker, so it may add to its own attempt row and to nothing else.
 *
 * What holds for many in one statement:
 * - *Each has its own fate*: whether its claim is still there, whether a newer change replaces it, whether its endpoint
 *   has room for it is asked for each row, in the statement's one snapshot. What commits later has seen the claim, and
 *   looks; but for a window that is halved, whose excess goes with its next records.
 * - *Nobody waits for it in a circle.* It waits for no delivery's row (`skip locked`; what it leaves out is written
 *   alone, by a statement that waits and holds nothing else meanwhile). An attempt's row is written only by whoever
 *   holds its delivery's, or, once that has ended, by an erasure. Endpoints and orders are not locked. So whoever
 *   holds what it wants is never kept waiting by what it holds.
 * - *It commits as a whole, and then each of its callers looks*: commit, then look (platform's promote.ts).
 *
 * What is delivered hands its place in the queue on, in the same statement: hand-on-sql.ts.
 *
 * (`coalesce(claim_token, '')` fits no partial index, see platform's promote-sql.ts: the row is found by its id.)
 */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { buildList } from '@vendor-server/platform/database/list-sql.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type QueuedRow, toDeliveryJobData } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { IS_REPLACED, SUPERSEDED } from '@vendor-server/platform/deliveries/supersede-sql.ts';
import type { DeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import { HANDED_ON, JOBS } from './hand-on-sql.ts';

export interface AttemptKey {
  readonly deliveryId: string;
  readonly attemptNumber: number;
  readonly token: string;
}

/** The delivery's new state after an attempt. */
export type RecordedStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** `holdIn` queue: stays `queued` if there is room, and its job comes back; database: `waiting`, its job ends. */
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

export interface Recorded {
  /**
   * For each attempt the state its delivery is in; null when nothing was written of it, because the claim is no longer its
   * attempt's, or (of many) because somebody holds the delivery's row: `recordAttempt` tells which.
   */
  readonly states: readonly (RecordedState | null)[];
  /** Of deliveries that took the places that were left in the queue: to be added. */
  readonly jobs: readonly DeliveryJobData[];
}

/** One attempt's end, as it is to be written. */
export interface AttemptRecord {
  readonly key: AttemptKey;
  readonly result: AttemptResult;
  readonly step: RecordedStep;
}

/** What the statement gets of each record, in the order of its arguments. */
const COLUMNS = {
  id: 'char(24)',
  attempt_number: 'int',
  token: 'text',
  state: 'text',
  delay_ms: 'float8',
  outcome: 'text',
  response_status: 'int',
  last_error: 'text',
  response_excerpt: 'text',
  duration_ms: 'int',
  error: 'text',
  use_other_secret: 'boolean',
  refused_secret_hash: 'text',
  reason: 'text',
} as const;

/**
 * Whether what `wanted` to stay in the queue may not: its endpoint has closed, or has more there than its window holds since
 * that was halved. Of those that are recorded together as many go as are too many; what ends makes room first. What is to be
 * sent again at once stays. Statements at the same time count the same, and may each let go as many: the look that follows
 * brings others in their place, or themselves when they are due.
 */
const HAS_NO_ROOM = `row_number() over (partition by w.endpoint_id order by w.wanted = 'queued', w.place) <= (
  select case when e.state <> 'active' or e."window" = 0 then queued.count
              when w.delay_ms > 0 then queued.count - e."window"
              else 0 end
    from webhook_endpoints e,
         (select count(*) from deliveries where endpoint_id = w.endpoint_id and state = 'queued') queued
   where e.id = w.endpoint_id)`;

/** The statement, in its two forms. */
const toText = (lock: '' | 'skip locked') => `
  with item as (
    ${buildList(COLUMNS)}
  ), wanted as (
    select i.*, d.endpoint_id, d.order_id,
           case when i.state in ('queued', 'waiting') and ${IS_REPLACED} then 'superseded' else i.state end as wanted
      from item i
     cross join lateral (
       select endpoint_id, order_id, order_version, opened_at from deliveries
        where id = i.id and coalesce(claim_token, '') = i.token
          for no key update ${lock}) d
  ), fate as (
    select w.*, case when w.wanted = 'queued' and ${HAS_NO_ROOM} then 'waiting' else w.wanted end as ends_as
      from wanted w
  ), recorded as (
    update deliveries d
       set state = f.ends_as, claim_token = null, claimed_until = null, is_probe = false, interrupted_count = 0,
           budget_used = d.budget_used + case when d.is_probe or f.use_other_secret then 0 else 1 end,
           use_other_secret = f.use_other_secret, refused_secret_hash = f.refused_secret_hash,
           due_at = case when f.delay_ms is not null
                         then clock_timestamp() + make_interval(secs => f.delay_ms / 1000) else d.due_at end,
           job_due_at = case when f.ends_as = 'queued'
                             then clock_timestamp() + make_interval(secs => f.delay_ms / 1000) end,
           finished_at = case when f.ends_as in ('delivered', 'failed', 'superseded')
                              then date_trunc('milliseconds', clock_timestamp()) end,
           last_outcome = f.outcome, last_response_status = f.response_status,
           last_error = case when f.ends_as = 'superseded' then '${SUPERSEDED}' else f.last_error end
      from fate f
     where d.id = f.id and coalesce(d.claim_token, '') = f.token
    returning d.state as ended_as, f.*
  ), attempt as (
    update delivery_attempts a
       set ended_at = date_trunc('milliseconds', clock_timestamp()), duration_ms = r.duration_ms, outcome = r.outcome,
           reason = r.reason, response_status = r.response_status, error = r.error,
           response_excerpt = r.response_excerpt
      from recorded r
     where a.delivery_id = r.id and a.attempt_number = r.attempt_number and a.claim_token = r.token
    returning r.place, r.ended_as
  ), ${HANDED_ON}
  select coalesce((select json_agg(json_build_object('place', place, 'state', ended_as)) from attempt), '[]') as ended,
         ${JOBS} as jobs`;

const STATEMENTS = {
  one: { name: 'record-attempt', text: toText('') },
  many: { name: 'record-attempts', text: toText('skip locked') },
} as const;

async function write(
  executor: SqlExecutor,
  statement: (typeof STATEMENTS)[keyof typeof STATEMENTS],
  records: readonly AttemptRecord[],
): Promise<Recorded> {
  const rowStates = records.map(({ step }) => toRowState(step));
  const column = (read: (record: AttemptRecord) => unknown) => records.map(read);
  const { rows } = await executor.query<{
    ended: { place: number; state: RecordedState }[];
    jobs: QueuedRow[];
  }>({
    ...statement,
    values: [
      column(({ key }) => key.deliveryId),
      column(({ key }) => key.attemptNumber),
      column(({ key }) => key.token),
      rowStates.map(({ state }) => state),
      rowStates.map(({ delayMs }) => delayMs),
      column(({ result }) => result.outcome),
      column(({ result }) => result.responseStatus),
      column(({ result, step }) => (step.kind === 'failed' ? step.reason : result.error)),
      column(({ result }) => result.responseExcerpt),
      column(({ result }) => Math.round(result.durationMs)),
      column(({ result }) => result.error),
      column(({ step }) => step.kind === 'retry_with_other_secret'),
      column(({ step }) => (step.kind === 'retry_with_other_secret' ? step.refusedSecretHash : null)),
      column(({ result }) => result.reason),
    ],
  });
  const states = Array<RecordedState | null>(records.length).fill(null);
  const [row] = rows;
  for (const { place, state } of row?.ended ?? []) states[place - 1] = state;
  return { states, jobs: (row?.jobs ?? []).map(toDeliveryJobData) };
}

/**
 * Writes an attempt's end and its delivery's new state in one statement. Of what would be sent again:
 *
 * - What a newer change replaces, made meanwhile, is `superseded`. That goes for a try with the other of two secrets,
 *   too: the newer one is sent at once, and finds out by itself which secret the endpoint takes.
 * - What would stay `queued` becomes `waiting` when its endpoint has closed meanwhile: its job would only be put back. So
 *   does what its endpoint has no room for any more: a window that was halved is kept to from then on, and not only when
 *   the budgets of what it held before are spent. An endpoint that hangs is sent half as much each time.
 *
 * @returns the state it is in; null when the claim is no longer this attempt's, and nothing was written
 */
export async function recordAttempt(
  executor: SqlExecutor,
  key: AttemptKey,
  result: AttemptResult,
  step: RecordedStep,
): Promise<{ state: RecordedState | null } & Pick<Recorded, 'jobs'>> {
  const { states, jobs } = await write(executor, STATEMENTS.one, [{ key, result, step }]);
  return { state: states[0] ?? null, jobs };
}

/**
 * Does the same for many, and waits for nobody.
 *
 * @returns for each the state it is in; null when nothing was written of it, because the claim is no longer its
 *   attempt's, or somebody holds the delivery's row: `recordAttempt` tells which
 */
export async function recordAttempts(
  executor: SqlExecutor,
  records: readonly AttemptRecord[],
): Promise<Recorded> {
  return write(executor, STATEMENTS.many, records);
}
