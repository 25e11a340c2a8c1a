/**
 * What bounds a connection before there is a request, and the answers that Node would otherwise give itself,
 * without the failure shape. Node 26 and Fastify 5 leave most of it open:
 *
 * | | by default | here |
 * |---|---|---|
 * | the headers of a request are in | after 60 s, looked at every 30 s | 10 s, every 2 s |
 * | a whole request is in | 300 s | 30 s (`requestTimeout`) |
 * | an open connection without any traffic | never closed | 2 min |
 * | between two requests | 72 s | 72 s: longer than load balancers hold theirs (60 s), or they would use one that we just closed |
 * | requests on one connection | any number | any number: Node answers the surplus 503 itself, and callers are limited anyway |
 * | headers | 2 000, the others silently dropped | 100, then refused |
 * | size of all headers | 16 KiB | the same |
 * | open connections | any number | 10 000 a process |
 */
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { writeFailure } from '../errors/answer-client-error.ts';
import { ApiError } from '../errors/api-error.ts';
import { toFailureBody } from '../errors/to-failure.ts';

/** As many as Apache takes; browsers and proxies together send about thirty. */
const MAX_HEADERS = 100;

/** Some 30 KB of memory and a file descriptor each. Those beyond are closed at once. */
const MAX_CONNECTIONS = 10_000;

/** A reader that takes nothing of its answer. Streams have a heartbeat every 15 s. */
export const IDLE_CONNECTION_TIMEOUT_MS = 120_000;

export const HTTP_SERVER_OPTIONS = {
  maxHeaderSize: 16 * 1024,
  /** From the opening of a connection, or the first byte of a later request, to the end of the headers. */
  headersTimeout: 10_000,
  /** Connections that are over their time stay open until the next look: at most this much longer. */
  connectionsCheckingInterval: 2_000,
  // Refused below.
  requireHostHeader: false,
  // A peer that vanished is found in minutes, not never.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const satisfies ServerOptions;

export const httpServer = fp(async (app: FastifyInstance) => {
  // One more than are taken, so that too many are seen: Node drops what is beyond its own limit.
  app.server.maxHeadersCount = MAX_HEADERS + 1;
  app.server.maxConnections = MAX_CONNECTIONS;
  app.server.on('checkExpectation', refuseExpectation);
  app.server.on('connect', refuseConnect);

  app.addHook('onRequest', async ({ raw }) => {
    if (raw.rawHeaders.length / 2 > MAX_HEADERS) {
      const message = `The request has more than ${MAX_HEADERS} headers.`;
      throw new ApiError('headers_too_large', { message });
    }
    // RFC 9112 section 3.2.
    if (raw.headers.host === undefined && raw.httpVersion === '1.1') {
      throw new ApiError('invalid_request', { message: 'The Host header is missing.' });
    }
  });
});

/** `Expect` with anything but `100-continue`, which Node answers with 417. */
function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const error = new ApiError('expectation_failed');
  const requestId = createId();
  // What was to follow is not read.
  response.writeHead(error.status, {
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': requestId,
    connection: 'close',
  });
  response.end(JSON.stringify(toFailureBody(error, requestId)));
}

/** `CONNECT`, after which Node hangs up. */
function refuseConnect(_request: IncomingMessage, socket: Socket): void {
  socket.on('error', () => undefined);
  writeFailure(
    socket,
    new ApiError('invalid_request', { message: 'This is no proxy: CONNECT is not known.' }),
  );
  socket.destroySoon();
}
