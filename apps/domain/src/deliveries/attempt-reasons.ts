import type { AttemptOutcome } from './attempt-outcome.ts';

/**
 * What follows an attempt. `retry` holds while the budget lasts, `resume` tries again without using it, and
 * `fail` ends the delivery at once.
 */
export type AttemptAction = 'deliver' | 'retry' | 'fail' | 'resume';

/** A row of the table: one way in which an attempt can end. */
export interface AttemptRule {
  readonly outcome: AttemptOutcome;
  readonly action: AttemptAction;
  /** The statuses that mean it, as "401 403" or "500-502 504-599"; none where no answer with a status came. */
  readonly statuses?: string;
  /** `Retry-After` makes the wait longer. */
  readonly heedsRetryAfter?: true;
  /** While a shared secret is rotated, the other one is tried first. */
  readonly triesOtherSecret?: true;
  /** What the endpoint did, as its author reads it in a table. */
  readonly when: string;
  /** What that means to its author: where to look, what to change. */
  readonly meaning: string;
}

type Extras = Pick<AttemptRule, 'statuses' | 'heedsRetryAfter' | 'triesOtherSecret'>;
type Row = (outcome: AttemptOutcome, when: string, meaning: string, extras?: Extras) => AttemptRule;

const rowsOf =
  (action: AttemptAction): Row =>
  (outcome, when, meaning, extras) => ({ outcome, action, when, meaning, ...extras });
const deliver = rowsOf('deliver');
const retry = rowsOf('retry');
const fail = rowsOf('fail');
const resume = rowsOf('resume');

/**
 * Every way in which an attempt can end, by its stable reason code, and what follows: the whole of HTTP as one
 * table. `decideAfterAttempt` acts on it, attempts, log and metrics name its codes, and the guide's chapter "Every
 * answer" is made from it. A code is never renamed: customers' programs and operators' alerts match on it.
 *
 * Each status from 200 to 999 is in exactly one row; a 1xx is no answer, but on the way to one. A status from 600 on
 * is not HTTP's, and RFC 9110 section 15 has it treated as a 5xx.
 */
export const ATTEMPT_REASONS = {
  accepted: deliver(
    'acknowledged',
    '2xx',
    'Delivered, whatever its body is. Up to 64 KiB of the body are read within 2 s and the rest is ' +
      'cut: endless, slow, compressed, broken off or badly framed, it changes nothing.',
    { statuses: '200-299' },
  ),
  redirect_not_followed: fail(
    'redirected',
    '3xx',
    'Redirects are never followed. Register the URL that the redirect leads to.',
    { statuses: '300-399' },
  ),
  unauthorized: fail(
    'rejected',
    '401, 403',
    'The secret or the signature was refused, or something in front of your server wants a login. ' +
      'While your shared secret is being rotated, the other one is tried at once before this holds.',
    {
      statuses: '401 403',
      triesOtherSecret: true,
    },
  ),
  request_timeout: retry('rejected', '408', 'Your server did not get the whole request in time.', {
    statuses: '408',
  }),
  gone: fail(
    'rejected',
    '410',
    'The endpoint is no longer wanted. From three different orders with no success between, it is disabled.',
    { statuses: '410' },
  ),
  too_many_requests: retry(
    'rejected',
    '429',
    'It was too much at once. `Retry-After` makes the wait longer.',
    { statuses: '429', heedsRetryAfter: true },
  ),
  client_error: fail(
    'rejected',
    'any other 4xx, 425 included',
    'Your server says that the request is wrong, so the same request again would be, too.',
    {
      statuses: '400 402 404-407 409 411-428 430-499',
    },
  ),
  service_unavailable: retry(
    'rejected',
    '503',
    'Your server cannot take it now. `Retry-After` makes the wait longer.',
    { statuses: '503', heedsRetryAfter: true },
  ),
  server_error: retry('rejected', 'any other 5xx', 'Your server, or a proxy in front of it, failed.', {
    statuses: '500-502 504-599',
  }),
  unknown_status: retry('rejected', '600 to 999', 'No status of HTTP; taken for a 5xx, as RFC 9110 has it.', {
    statuses: '600-999',
  }),

  not_connected: retry(
    'timed_out',
    'no connection in time',
    'Looking up your name, connecting and the TLS handshake took all of the time. Nothing was sent. ' +
      'Often a firewall that drops what it does not let through.',
  ),
  not_sent: retry(
    'timed_out',
    'not sent in time',
    'On our side: no connection to your server was free, or no time was left. Nothing was sent.',
  ),
  no_answer: retry(
    'timed_out',
    'no complete response headers in time',
    'Your server got the request, and may have handled it. Answer as soon as you have stored the ' +
      'webhook, and do the work afterwards.',
  ),

  connection_refused: retry(
    'connection_failed',
    'the connection is refused',
    'Nothing listens at that address and port.',
  ),
  connection_reset: retry(
    'connection_failed',
    'the connection is reset before any byte of an answer',
    'Your server, or a proxy in front of it, crashed, restarted or refused the request unread.',
  ),
  connection_closed: retry(
    'connection_failed',
    'the connection is closed before any byte of an answer',
    'As above. On a connection that is kept: let yours idle for longer than 4 s, or announce `keep-alive`.',
  ),
  connect_timed_out: retry(
    'connection_failed',
    'the network gives up connecting',
    'No answer from that address: a host that is down, or a firewall.',
  ),
  host_unreachable: retry(
    'connection_failed',
    'the network finds no way to the host',
    'The address is not in use, or its network does not let us in.',
  ),
  network_unreachable: retry(
    'connection_failed',
    'the network finds no way to its network',
    'Often a name that has only an IPv6 address where there is no IPv6.',
  ),
  connection_failed: retry(
    'connection_failed',
    'connecting fails in any other way',
    '`error` names the code of the operating system.',
  ),

  name_not_found: retry('dns_failed', 'the name does not exist', 'Mistyped, expired, or not published yet.'),
  name_without_address: retry(
    'dns_failed',
    'the name has no address',
    'It exists, but has neither an A nor an AAAA record.',
  ),
  name_server_failed: retry(
    'dns_failed',
    'the name server answers with a failure',
    'Look at the name servers of your domain, and at DNSSEC. `error` names the code.',
  ),
  dns_timed_out: retry(
    'dns_failed',
    'the name server does not answer',
    'Look at the name servers of your domain.',
  ),

  certificate_expired: retry(
    'tls_failed',
    'the certificate has expired',
    'Renew it, and restart or reload what serves it.',
  ),
  certificate_not_yet_valid: retry(
    'tls_failed',
    'the certificate is not valid yet',
    'It was put in use too early, or made on a machine whose clock is wrong.',
  ),
  certificate_wrong_name: retry(
    'tls_failed',
    'the certificate is for another name',
    'It must list the host of your URL; for an IP address in the URL, that address.',
  ),
  certificate_self_signed: retry(
    'tls_failed',
    'the certificate is self-signed',
    'Use one of a public certificate authority.',
  ),
  certificate_issuer_unknown: retry(
    'tls_failed',
    'the issuer of the certificate is not known',
    'A private authority, or a chain without its intermediate certificate: send the whole chain.',
  ),
  certificate_not_accepted: retry(
    'tls_failed',
    'the certificate is not accepted for another reason',
    'Such as a key that is too short, or a purpose that is not a server. `error` names the code.',
  ),
  client_certificate_required: retry(
    'tls_failed',
    'a client certificate is asked for',
    'We have none. Check the signature of the webhook instead.',
  ),
  tls_version_not_supported: retry('tls_failed', 'no common version of TLS', 'TLS 1.2 or 1.3 is needed.'),
  plaintext_on_tls_port: retry(
    'tls_failed',
    'what answers does not speak TLS',
    'An `https` URL with the port of plain HTTP, or of another protocol.',
  ),
  tls_handshake_failed: retry(
    'tls_failed',
    'the TLS handshake fails in any other way',
    'Such as no common cipher, an unknown server name, or a connection closed in its midst.',
  ),

  blocked_address: fail(
    'blocked_address',
    'the host leads to an address that is not public',
    'Webhooks go to public addresses only. All addresses of a name must be public.',
  ),

  incomplete_response: retry(
    'malformed_response',
    'the connection is closed or reset within the response headers',
    'Your server got the request, and may have handled it.',
  ),
  invalid_http: retry(
    'malformed_response',
    'the answer is not valid HTTP/1.1',
    'Another protocol on that port, or headers that HTTP does not allow.',
  ),
  ambiguous_length: retry(
    'malformed_response',
    'headers that contradict each other on the length of the body',
    'Two lengths, a length and `transfer-encoding`, or a length that is no number: such an answer ' +
      'could hide another one (RFC 9112 section 6.3).',
  ),
  unasked_upgrade: retry('malformed_response', '101', 'We never ask for another protocol.'),
  informational_flood: retry(
    'malformed_response',
    'more than 32 interim (1xx) answers',
    '100, 102 and 103 before the answer are passed over, but not without end.',
  ),
  headers_too_large: retry(
    'response_too_large',
    'response headers over 16 KiB, or more than 500 of them',
    'Usually cookies: a webhook needs none.',
  ),

  interrupted: resume(
    'interrupted',
    'the process of ours that made the attempt died',
    'You may get the same webhook again. It uses up none of the tries.',
  ),
  own_fault: resume(
    'interrupted',
    'a fault of ours kept the attempt from being made',
    'It uses up none of the tries.',
  ),
} satisfies Record<string, AttemptRule>;

export type AttemptReason = keyof typeof ATTEMPT_REASONS;

export const ATTEMPT_REASON_CODES = Object.keys(ATTEMPT_REASONS) as AttemptReason[];

/** The row of a reason. */
export function ruleOf(reason: AttemptReason): AttemptRule {
  return ATTEMPT_REASONS[reason];
}
