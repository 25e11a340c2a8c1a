import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { ApiError } from './api-error.ts';
import { toFailureBody } from './to-failure.ts';

/**
 * Answers what is not HTTP, or not in time, on the bare socket: there is no request to reply to yet. Ends the
 * connection, as Node's own handler does: where the next request would begin is unknown.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) writeFailure(socket, new ApiError(toErrorCode(error.code)));
  socket.destroySoon();
}

/** Writes a whole answer, which says that it is the connection's last. */
export function writeFailure(socket: Socket, answer: ApiError): void {
  const requestId = createId();
  const body = JSON.stringify(toFailureBody(answer, requestId));
  socket.write(
    [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

function toErrorCode(nodeCode: string | undefined): ErrorCode {
  switch (nodeCode) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    case 'HPE_HEADER_OVERFLOW':
      return 'headers_too_large';
    default:
      return 'invalid_request';
  }
}
