/**
 * The claim: one statement decides who may send, and brings what is sent.
 *
 * Why two workers never send the same delivery at once, and none sends out of order:
 * - The row lock of the update arbitrates. A second claim waits for the first, is evaluated again on the row
 *   as it now is, and finds a token there.
 * - There is no way to take a claim over: `claim_token is null` is required. A lease that ran out is ended by
 *   the relay alone, which also raises the generation, so a job that was made before finds another one.
 * - Only a lane's head is `queued` (a unique index), so what is claimed is what may be sent next.
 * - The lease is longer than the request may take (see attempt-delivery.ts), so nobody is still sending when
 *   the relay lets the lane go on.
 *
 * (`state || ''` as in platform's promote-sql.ts: found by id, whatever the statistics say.)
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { IS_SUCCESS_NEWS } from './endpoint-health-sql.ts';

/** How much longer than its time-out a claimed delivery stays claimed, in milliseconds. */
export const LEASE_MARGIN_MS = 5_000;

export interface ClaimedDelivery {
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

/**
 * Claims a delivery for one attempt and records the attempt as started; null when it may not be sent now
 * (see `settleRefusal`).
 *
 * @param token random, new for every call
 * @param defaultTimeoutMs for endpoints without a time-out of their own
 */
export async function claimDelivery(
  executor: SqlExecutor,
  { deliveryId, generation }: { deliveryId: string; generation: number },
  token: string,
  defaultTimeoutMs: number,
): Promise<ClaimedDelivery | null> {
  const { rows } = await executor.query<ClaimedDelivery>({
    name: 'claim-delivery',
    text: `
      with claimed as (
        update deliveries d
           set claim_token = $3, attempt_count = d.attempt_count + 1,
               claimed_until = clock_timestamp()
                 + make_interval(secs => (coalesce(e.timeout_ms, $4::int) + ${LEASE_MARGIN_MS}) / 1000.0)
          from webhook_endpoints e
         where d.id = $1 and d.generation = $2 and d.state || '' = 'queued' and d.claim_token is null
           and d.due_at <= clock_timestamp()
           and e.id = d.endpoint_id and e.deleted_at is null and e.state = 'active'
           and (e."window" > 0 or d.is_probe)
        returning d.id, d.attempt_count, d.budget_used, d.interrupted_count, d.opened_by, d.is_probe,
                  d.use_other_secret, d.refused_secret_hash, d.changed_at,
                  d.transition_id, d.endpoint_id, d.customer_server_id, d.order_id, d.order_version
      ), attempt as (
        insert into delivery_attempts (delivery_id, attempt_number, claim_token, trigger, started_at)
        select id, attempt_count, $3,
               case when use_other_secret then 'rotation'
                    when is_probe then 'probe'
                    when interrupted_count > 0 then 'resume'
                    when budget_used > 0 then 'retry'
                    when opened_by = 'change' then 'first'
                    else opened_by end,
               date_trunc('milliseconds', clock_timestamp())
          from claimed
        returning delivery_id, started_at
      )
      select c.id as "deliveryId", c.customer_server_id as "customerServerId", c.order_id as "orderId",
             c.order_version as "orderVersion", c.changed_at as "changedAt", c.opened_by as "openedBy", t.to_status as status, t.from_status as "previousStatus",
             t.request_id as "requestId", t.traceparent, t.body, a.started_at as "attemptedAt",
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
        from claimed c
        join attempt a on a.delivery_id = c.id
        join order_transitions t on t.id = c.transition_id
        join webhook_endpoints e on e.id = c.endpoint_id
        join customer_servers s on s.id = c.customer_server_id
       cross join lateral (
         select case when e.send_shared_secret and s.secret_overlap_until > clock_timestamp()
                     then case when not c.use_other_secret then s.outbound_secret
                               when c.refused_secret_hash = s.secret_hash then 'previous'
                               when c.refused_secret_hash = s.previous_secret_hash then 'current'
                               else s.outbound_secret end end as which) secret`,
    values: [deliveryId, generation, token, defaultTimeoutMs],
  });
  return rows[0] ?? null;
}

/** Why a claim was refused, and what becomes of the job. */
export type ClaimRefusal =
  /** Somebody else sends it, or it is not due: the job comes back after `retryInMs`. */
  | { readonly kind: 'not_yet'; readonly retryInMs: number }
  /** Its endpoint is closed or deleted: the delivery was put back or ended, the lane may move. */
  | {
      readonly kind: 'endpoint_closed';
      readonly endpointId: string;
      readonly orderId: string;
      readonly isDeleted: boolean;
    }
  /** Another job answers for it, or it is finished. */
  | { readonly kind: 'stale' };

/**
 * Looks why `claimDelivery` refused; puts a delivery of a closed endpoint back to `waiting` and ends one of a
 * deleted endpoint, because only the holder of its job sees what commits between closing and claiming.
 */
export async function settleRefusal(
  executor: SqlExecutor,
  { deliveryId, generation }: { deliveryId: string; generation: number },
): Promise<ClaimRefusal> {
  const { rows } = await executor.query<RefusalRow>({
    name: 'settle-refusal',
    text: `
      with seen as (
        select d.id, d.endpoint_id, d.order_id, d.claim_token is not null as claimed,
               greatest(extract(epoch from coalesce(d.claimed_until, d.due_at) - clock_timestamp()) * 1000, 0)
                 as wait_ms,
               e.deleted_at is not null as deleted,
               e.state <> 'active' or (e."window" = 0 and not d.is_probe) as closed
          from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
         where d.id = $1 and d.generation = $2 and d.state || '' = 'queued'
      ), settled as (
        update deliveries d
           set state = case when seen.deleted then 'cancelled' else 'waiting' end,
               finished_at = case when seen.deleted then clock_timestamp() end,
               last_error = case when seen.deleted then 'endpoint_deleted' else d.last_error end,
               job_due_at = null, is_probe = false
          from seen
         where d.id = seen.id and d.generation = $2 and d.state || '' = 'queued' and d.claim_token is null
           and (seen.deleted or seen.closed)
        returning d.id
      )
      select seen.endpoint_id as "endpointId", seen.order_id as "orderId", seen.deleted as "isDeleted", seen.wait_ms::float8 as "waitMs",
             exists (select 1 from settled) as settled
        from seen`,
    values: [deliveryId, generation],
  });
  const row = rows[0];
  if (row === undefined) return { kind: 'stale' };
  const { endpointId, orderId, isDeleted } = row;
  if (row.settled) return { kind: 'endpoint_closed', endpointId, orderId, isDeleted };
  return { kind: 'not_yet', retryInMs: Math.max(1_000, Math.ceil(row.waitMs)) };
}

interface RefusalRow {
  endpointId: string;
  orderId: string;
  isDeleted: boolean;
  waitMs: number;
  settled: boolean;
}
