import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { errors } from 'undici';
import { AttemptFailure } from './attempt-failure.ts';
import { SenderClosedError } from './sender-closed-error.ts';
import { isTlsCode, tlsFailure } from './to-tls-failure.ts';
import { headersTooLarge } from './watch-answers.ts';

const CONNECTION_FAILURES: Readonly<Record<string, readonly [reason: AttemptReason, sentence: string]>> = {
  ECONNREFUSED: ['connection_refused', 'The endpoint refused the connection.'],
  ECONNRESET: ['connection_reset', 'The endpoint reset the connection before it answered.'],
  EPIPE: ['connection_reset', 'The endpoint reset the connection before it answered.'],
  ETIMEDOUT: ['connect_timed_out', 'The endpoint did not accept the connection in time.'],
  EHOSTUNREACH: ['host_unreachable', 'There is no route to the endpoint.'],
  ENETUNREACH: ['network_unreachable', 'There is no route to the network of the endpoint.'],
  UND_ERR_SOCKET: ['connection_closed', 'The endpoint closed the connection before it answered.'],
};

/** How a connection ends in the midst of an answer. */
const CUT_OFF: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
/** undici's parser gives no codes, only words; where they change, the answer is plainly `invalid_http` again. */
const NAMES_LENGTH = /content-length|transfer-encoding/i;
const IS_UPGRADE = 'bad upgrade';
const PROGRAMMING_ERRORS: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

/**
 * The failure of opening a connection.
 *
 * @param code the system's or OpenSSL's error code, e.g. `ECONNREFUSED`
 * @param tcpConnected true once TCP was up, so that what failed is the TLS handshake
 */
export function toConnectFailure(code: string, tcpConnected: boolean): AttemptFailure {
  return tcpConnected || isTlsCode(code) ? tlsFailure(code) : connectionFailure(code);
}

/**
 * The failure of an exchange that ended before the response headers were complete.
 *
 * @param responseBegan true once the first bytes of an answer had arrived
 * @returns the failure, or the error itself when it is our own fault and has to be thrown
 */
export function toExchangeFailure(error: Error, responseBegan: boolean): AttemptFailure | Error {
  if (error instanceof AttemptFailure) return error;
  if (error instanceof errors.ClientDestroyedError || error instanceof errors.ClientClosedError) {
    return new SenderClosedError();
  }
  if (error instanceof errors.HeadersOverflowError) {
    return headersTooLarge();
  }
  const code = codeOf(error);
  if (error instanceof errors.HTTPParserError || error instanceof errors.ResponseContentLengthMismatchError) {
    return NAMES_LENGTH.test(error.message)
      ? new AttemptFailure('ambiguous_length', 'The headers of the answer do not agree on its length.')
      : new AttemptFailure('invalid_http', 'The answer is not valid HTTP/1.1.');
  }
  if (code === null || error instanceof TypeError || PROGRAMMING_ERRORS.has(code)) return error;
  if (responseBegan && CUT_OFF.has(code)) {
    return error.message === IS_UPGRADE
      ? unaskedUpgrade()
      : new AttemptFailure('incomplete_response', 'The answer ended before its headers were complete.');
  }
  return isTlsCode(code) ? tlsFailure(code) : connectionFailure(code);
}

export function unaskedUpgrade(): AttemptFailure {
  return new AttemptFailure('unasked_upgrade', 'The endpoint changed to another protocol than HTTP/1.1.');
}

function connectionFailure(code: string): AttemptFailure {
  const [reason, sentence] = CONNECTION_FAILURES[code] ?? [
    'connection_failed',
    `The connection to the endpoint failed (${code}).`,
  ];
  return new AttemptFailure(reason, sentence);
}

/** The code that Node and undici put on their errors. */
export function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
