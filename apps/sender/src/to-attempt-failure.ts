import { errors } from 'undici';
import { AttemptFailure } from './attempt-failure.ts';
import { SenderClosedError } from './sender-closed-error.ts';

const CONNECTION_FAILURES: Record<string, [reason: string, sentence: string]> = {
  ECONNREFUSED: ['connection_refused', 'The endpoint refused the connection.'],
  ECONNRESET: ['connection_reset', 'The endpoint reset the connection before it answered.'],
  EPIPE: ['connection_reset', 'The endpoint reset the connection before it answered.'],
  ETIMEDOUT: ['connect_timed_out', 'The endpoint did not accept the connection in time.'],
  EHOSTUNREACH: ['host_unreachable', 'There is no route to the endpoint.'],
  ENETUNREACH: ['network_unreachable', 'There is no route to the network of the endpoint.'],
  UND_ERR_SOCKET: ['connection_closed', 'The endpoint closed the connection before it answered.'],
};

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
    return malformed('headers_too_large', 'The headers of the answer are larger than 16 KiB.');
  }
  if (error instanceof errors.HTTPParserError || error instanceof errors.ResponseContentLengthMismatchError) {
    return malformed('invalid_http', 'The answer is not valid HTTP/1.1.');
  }
  const code = codeOf(error);
  if (code === null || error instanceof TypeError || PROGRAMMING_ERRORS.has(code)) return error;
  if (code === 'UND_ERR_SOCKET' && responseBegan) {
    return malformed(
      'incomplete_response',
      'The answer ended, or left HTTP/1.1, before its headers were complete.',
    );
  }
  return isTlsCode(code) ? tlsFailure(code) : connectionFailure(code);
}

function malformed(reason: string, sentence: string): AttemptFailure {
  return new AttemptFailure('malformed_response', reason, sentence);
}

function connectionFailure(code: string): AttemptFailure {
  const [reason, sentence] = CONNECTION_FAILURES[code] ?? [
    'connection_failed',
    `The connection to the endpoint failed (${code}).`,
  ];
  return new AttemptFailure('connection_failed', reason, sentence);
}

function tlsFailure(code: string): AttemptFailure {
  return code.includes('CERT') || code.includes('ISSUER') || code.includes('SIGNATURE')
    ? new AttemptFailure(
        'tls_failed',
        'certificate_not_accepted',
        `The endpoint's certificate was not accepted (${code}).`,
      )
    : new AttemptFailure(
        'tls_failed',
        'tls_handshake_failed',
        `The TLS handshake with the endpoint failed (${code}).`,
      );
}

function isTlsCode(code: string): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';
}

/** The code that Node and undici put on their errors. */
export function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
