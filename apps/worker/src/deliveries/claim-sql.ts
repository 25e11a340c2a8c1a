/**
 * The claim: one statement decides who may send, and brings what is sent, for one delivery or for many.
 *
 * Why two workers never send the same delivery at once, and none sends out of order:
 * - The row lock arbitrates. A second claim waits for the first or passes it by, is evaluated again on the row as it
 *   now is, and finds a token there.
 * - There is no way to take a claim over: `claim_token is null` is required. A lease that ran out is ended by
 *   the relay alone, which also raises the generation, so a job that was made before finds another one.
 * - Only a lane's head is `queued` (a unique index), so what is claimed is what may be sent next.
 * - The lease is longer than the request may take (see attempt-delivery.ts), so nobody is still sending when
 *   the relay lets the lane go on.
 *
 * Why that holds for many at once:
 * - When `locked` gets a row's lock, its conditions are evaluated again on the row's newest version, joined with the very
 *   request and endpoint it was found with. Nobody changes the row from there to the commit, so the update, whose snapshot
 *   may be older than the lock and which asks again, finds what `locked` found.
 * - A token reaches a delivery only through the row of `asked` that names both, and comes back with that row's place.
 * - Of two requests for one delivery at most one gets it. Of two generations one fits; of the same twice, the update
 *   changes the row once, for either. The other is answered `held`, asks alone, and finds a token.
 * - A batch waits for nobody, so it is in no deadlock: locked rows are skipped; a new entry of the lanes' unique index
 *   could wait only for another head of the lane, and whoever makes one has locked this one before. The form for one
 *   waits, but holds nothing meanwhile.
 * - `held` is whatever might be sent by the statement's snapshot and was not claimed: locked by somebody, or changed
 *   since. So nothing is refused, and put off, only because somebody had its row for a moment.
 * - It fails or commits as a whole. What then becomes of the jobs: see create-claims.ts.
 *
 * (`state || ''` as in platform's promote-sql.ts: found by id, whatever the statistics say.)
 */
import { buildList } from '@vendor-server/platform/database/list-sql.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { IS_SUCCESS_NEWS } from './endpoint-health-sql.ts';

/** How much longer than its time-out a claimed delivery stays claimed, in milliseconds. */
export const LEASE_MARGIN_MS = 5_000;

export interface ClaimedDelivery {
  /** Before the database counted the lease, by this process's monotonic clock (`performance.now()`). */
  readonly askedAt: number;
  readonly deliveryId: string;
  readonly customerServerId: string;
  readonly orderId: string;
  readonly orderVersion: number;
  /** When the order changed. */
  readonly changedAt: Date;
  /** What opened the delivery: its change, or later a resend or replay. */
  readonly openedBy: 'change' | 'resend' | 'replay';
  readonly status: string;
  readonly previousStatus: string | null;
  readonly requestId: string | null;
  /** Of the span that caused the change; null when nobody traces. */
  readonly traceparent: string | null;
  readonly body: string;
  /** When the attempt began, by the database's clock: the time its headers carry. */
  readonly attemptedAt: Date;
  readonly attemptNumber: number;
  /** Attempts counted against the retry budget before this one. */
  readonly budgetUsed: number;
  readonly isProbe: boolean;
  readonly endpointId: string;
  readonly url: string;
  readonly timeoutMs: number;
  /** Null: the setting's. */
  readonly retryDelaysMs: readonly number[] | null;
  readonly signingSecretCiphertext: string;
  /** Set while a rotated signing secret still signs too. */
  readonly previousSigningSecretCiphertext: string | null;
  /** What `x-vendor-server-secret` carries; null when the endpoint gets none. */
  readonly sharedSecretCiphertext: string | null;
  /** Which of the customer server's secrets that is; null when it has only one, or the endpoint gets none. */
  readonly sharedSecretIs: 'current' | 'previous' | null;
  /** Tells it from any other; null when the endpoint gets none. */
  readonly sharedSecretHash: string | null;
  /** This attempt carries another secret, because the one before was refused. */
  readonly usesOtherSecret: boolean;
  /** The one that was; null when there was none. */
  readonly refusedSecretHash: string | null;
  /** The endpoint's, as the claim saw it; 0 for a probe. */
  readonly window: number;
  readonly windowChangedAt: Date;
  readonly wantsLatestOnly: boolean;
  /** A success is to be noted at the endpoint (see note-endpoint-health.ts). */
  readonly isSuccessNews: boolean;
}

/** What a job asks for. */
export interface ClaimRequest {
  readonly deliveryId: string;
  readonly generation: number;
  /** Random, new for every request. */
  readonly token: string;
}

/**
 * What became of a request: claimed; `refused`, because the delivery may not be sent now (see refusal-sql.ts); or
 * `held`: it looked as if it might, but somebody else had it in hand, and what they left must be asked for alone.
 */
export type ClaimAnswer = ClaimedDelivery | 'refused' | 'held';

/** A job, the delivery it is for, and its endpoint: nothing is in the way of an attempt. */
const MAY_BE_SENT = (job: string) => `d.generation = ${job}.generation and d.state || '' = 'queued'
  and d.claim_token is null and d.due_at <= clock_timestamp()`;
const MAY_BE_SENT_TO = `e.deleted_at is null and e.state = 'active' and (e."window" > 0 or d.is_probe)`;

/**
 * @param whenLocked what to do about a delivery that another transaction has locked
 */
const buildClaim = (whenLocked: 'wait' | 'skip') => ({
  name: whenLocked === 'wait' ? 'claim-delivery' : 'claim-deliveries',
  text: `
    with asked as (
      ${buildList({ id: 'char(24)', generation: 'int', token: 'text' })}
    ), locked as (
      select d.id, a.generation, a.token, a.place, coalesce(e.timeout_ms, $4::int) as timeout_ms
        from asked a
        join deliveries d on d.id = a.id
        join webhook_endpoints e on e.id = d.endpoint_id
       where ${MAY_BE_SENT('a')} and ${MAY_BE_SENT_TO}
       order by d.id
         for no key update of d ${whenLocked === 'wait' ? '' : 'skip locked'}
    ), claimed as (
      update deliveries d
         set claim_token = l.token, attempt_count = d.attempt_count + 1,
             claimed_until = clock_timestamp() + make_interval(secs => (l.timeout_ms + ${LEASE_MARGIN_MS}) / 1000.0)
        from locked l
       where d.id = l.id and ${MAY_BE_SENT('l')}
      returning l.place, d.id, d.claim_token, d.attempt_count, d.budget_used, d.interrupted_count, d.opened_by,
                d.is_probe, d.use_other_secret, d.refused_secret_hash, d.changed_at,
                d.transition_id, d.endpoint_id, d.customer_server_id, d.order_id, d.order_version,
                date_trunc('milliseconds', clock_timestamp()) as started_at
    ), attempt as (
      insert into delivery_attempts (delivery_id, attempt_number, claim_token, trigger, started_at)
      select id, attempt_count, claim_token,
             case when use_other_secret then 'rotation'
                  when is_probe then 'probe'
                  when interrupted_count > 0 then 'resume'
                  when budget_used > 0 then 'retry'
                  when opened_by = 'change' then 'first'
                  else opened_by end,
             started_at
        from claimed
    )
    select a.place::int, c.id is null as "isHeld",
           c.id as "deliveryId", c.customer_server_id as "customerServerId", c.order_id as "orderId",
           c.order_version as "orderVersion", c.changed_at as "changedAt", c.opened_by as "openedBy",
           t.to_status as status, t.from_status as "previousStatus",
           t.request_id as "requestId", t.traceparent, t.body, c.started_at as "attemptedAt",
           c.attempt_count as "attemptNumber", c.budget_used as "budgetUsed", c.is_probe as "isProbe",
           e.id as "endpointId", e.url, coalesce(e.timeout_ms, $4::int) as "timeoutMs",
           case when e.own_retry_delays then e.retry_delays_ms end as "retryDelaysMs",
           e.signing_secret_ciphertext as "signingSecretCiphertext",
           case when e.signing_overlap_until > clock_timestamp()
                then e.previous_signing_secret_ciphertext end as "previousSigningSecretCiphertext",
           c.use_other_secret as "usesOtherSecret", secret.which as "sharedSecretIs",
           case when c.use_other_secret then c.refused_secret_hash end as "refusedSecretHash",
           case when not e.send_shared_secret then null
                when secret.which = 'previous' then s.previous_secret_hash
                else s.secret_hash end as "sharedSecretHash",
           ${IS_SUCCESS_NEWS} as "isSuccessNews", e."window", e.window_changed_at as "windowChangedAt",
           e.mode = 'latest_only' as "wantsLatestOnly",
           case when not e.send_shared_secret then null
                when secret.which = 'previous' then s.previous_secret_ciphertext
                else s.secret_ciphertext end as "sharedSecretCiphertext"
      from asked a
      left join claimed c on c.place = a.place
      left join order_transitions t on t.id = c.transition_id
      left join webhook_endpoints e on e.id = c.endpoint_id
      left join customer_servers s on s.id = c.customer_server_id
      left join lateral (
        select case when e.send_shared_secret and s.secret_overlap_until > clock_timestamp()
                    then case when not c.use_other_secret then s.outbound_secret
                              when c.refused_secret_hash = s.secret_hash then 'previous'
                              when c.refused_secret_hash = s.previous_secret_hash then 'current'
                              else s.outbound_secret end end as which) secret on true
     where c.id is not null
        or (select d.id from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
             where d.id = a.id and ${MAY_BE_SENT('a')} and ${MAY_BE_SENT_TO}) is not null`,
});
const CLAIM_WAITING = buildClaim('wait');
const CLAIM_SKIPPING = buildClaim('skip');

/**
 * Claims deliveries for one attempt each and records the attempts as started. Waits for nobody.
 *
 * @param defaultTimeoutMs for endpoints without a time-out of their own
 * @returns an answer to each request, in their order
 */
export function claimDeliveries(
  executor: SqlExecutor,
  requests: readonly ClaimRequest[],
  defaultTimeoutMs: number,
): Promise<ClaimAnswer[]> {
  return claim(executor, CLAIM_SKIPPING, requests, defaultTimeoutMs);
}

/** The same for one, which waits for whoever has it in hand; null when it may not be sent now. */
export async function claimDelivery(
  executor: SqlExecutor,
  job: Omit<ClaimRequest, 'token'>,
  token: string,
  defaultTimeoutMs: number,
): Promise<ClaimedDelivery | null> {
  const [answer] = await claim(executor, CLAIM_WAITING, [{ ...job, token }], defaultTimeoutMs);
  return typeof answer === 'object' ? answer : null;
}

async function claim(
  executor: SqlExecutor,
  statement: { readonly name: string; readonly text: string },
  requests: readonly ClaimRequest[],
  defaultTimeoutMs: number,
): Promise<ClaimAnswer[]> {
  const askedAt = performance.now();
  const { rows } = await executor.query<ClaimRow>({
    ...statement,
    values: [
      requests.map(({ deliveryId }) => deliveryId),
      requests.map(({ generation }) => generation),
      requests.map(({ token }) => token),
      defaultTimeoutMs,
    ],
  });
  const answers = requests.map((): ClaimAnswer => 'refused');
  for (const { place, isHeld, ...claimed } of rows)
    answers[place - 1] = isHeld ? 'held' : { ...claimed, askedAt };
  return answers;
}

interface ClaimRow extends Omit<ClaimedDelivery, 'askedAt'> {
  /** Of the request, from 1. */
  place: number;
  /** Then there is nothing else in the row. */
  isHeld: boolean;
}
