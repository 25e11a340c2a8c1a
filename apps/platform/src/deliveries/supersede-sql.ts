/**
 * What the statements share that end a delivery as `superseded`, because a newer change of its lane replaces it: the
 * change itself (api's order-change-sql.ts), the record of an attempt, the end of a lost claim (worker's record-sql.ts
 * and relay-sql.ts) and `promote`, which catches what those could not see of each other.
 *
 * Which deliveries replace older ones was decided at their change (`replaces_older`), so that a changed mode of the
 * endpoint holds from the next change. Whoever asks for an older one again, by resend or replay, asks for that very
 * one: it is replaced by changes that are made after it was opened again, and by none that was there before. Hence
 * the comparison of `opened_at`; both times are taken under the lock of the order's row, on the database's clock.
 *
 * All of it is about a row `d`, found by its id (`state || ''` as in promote-sql.ts).
 */

/** Only what nobody sends at the moment; a claimed delivery finishes its attempt. */
export const IS_OPEN_UNCLAIMED = `d.state || '' in ('blocked', 'waiting', 'queued') and d.claim_token is null`;

/**
 * Whether something is `blocked` behind `d`, or next to it, that was changed later. No "exists": with statistics of a
 * quiet time PostgreSQL answers that from everything that is blocked.
 */
export const IS_REPLACED = `((
  select n.id from deliveries n
   where n.endpoint_id = d.endpoint_id and n.order_id = d.order_id and n.state = 'blocked'
     and n.order_version > d.order_version and n.replaces_older
     and n.opened_by = 'change' and n.opened_at > d.opened_at
   limit 1) is not null)`;

/** The stable code that a superseded delivery holds as its error. */
export const SUPERSEDED = 'superseded';

/** Its job, if it has one, finds nothing to do. What its last attempt was answered stays. */
export const SET_SUPERSEDED = `state = 'superseded', job_due_at = null, is_probe = false, last_error = '${SUPERSEDED}',
  finished_at = date_trunc('milliseconds', clock_timestamp())`;
