import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReceivedRequest } from './received-request.ts';

/** What a step has at hand to answer one request. */
export interface Answering {
  readonly request: ReceivedRequest;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Fires when the connection is closed, by whichever side. */
  readonly signal: AbortSignal;
  /** Writes the head of the answer and notes the time; further headers may be in `response.setHeader`. */
  writeHead(status: number, headers?: OutgoingHttpHeaders): void;
  /**
   * Notes the time, then hands out the socket for an answer that is not written by Node's HTTP server, which
   * cannot answer on this connection again: a further request there is recorded and the connection destroyed.
   */
  takeSocket(): Socket;
}

/** Answers one request, or leaves it without an answer. Rejections by `signal` are expected. */
export type Step = (answering: Answering) => void | Promise<void>;

export interface RespondOptions {
  headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON. Default: `{ "success": true|false }` by the status. */
  body?: string | Buffer | object;
  /** Wait before the first byte of the answer. */
  delayMs?: number;
}

/** A complete answer. */
export function respond(status: number, options: RespondOptions = {}): Step {
  const body = options.body ?? { success: status < 300 };
  const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
  const bytes = isJson ? JSON.stringify(body) : body;
  return async ({ writeHead, response, signal }) => {
    if (options.delayMs) await delay(options.delayMs, null, { signal });
    writeHead(status, { ...(isJson ? { 'content-type': 'application/json' } : {}), ...options.headers });
    response.end(bytes);
  };
}

/** The same step n times: `answer('/hook', ...times(3, respond(503)), respond(200))`. */
export function times(count: number, step: Step): Step[] {
  return Array.from({ length: count }, () => step);
}

/** Never answers. */
export function hang(): Step {
  return () => {};
}

/** Answers, then closes the connection although it promised to keep it. */
export function respondThenClose(status: number, options: RespondOptions = {}): Step {
  return async (answering) => {
    await respond(status, options)(answering);
    answering.response.once('finish', () => answering.socket.end());
  };
}

/** Closes the connection in order, without a byte of an answer. */
export function closeEarly(): Step {
  return ({ socket }) => {
    socket.end();
  };
}

/** Resets the connection (RST) without a byte of an answer. */
export function reset(): Step {
  return ({ socket }) => {
    socket.resetAndDestroy();
  };
}

/** Announces a body of 1 000 bytes, sends the first of it, then resets the connection. */
export function resetHalfway(status: number): Step {
  return ({ writeHead, response, socket }) => {
    writeHead(status, { 'content-length': '1000' });
    response.write('the first half', () => socket.resetAndDestroy());
  };
}

/** The head at once, then a body that comes one chunk at a time and never ends. */
export function drip(status: number, everyMs: number, chunk = 'drip '): Step {
  return async ({ writeHead, response, signal }) => {
    writeHead(status);
    for (;;) {
      response.write(chunk);
      await delay(everyMs, null, { signal });
    }
  };
}

/** The head at once, then a body as fast as it is read, without end. */
export function endlessBody(status: number): Step {
  const chunk = Buffer.alloc(16 * 1024, 'x');
  return async ({ writeHead, response, signal }) => {
    writeHead(status);
    while (!signal.aborted) {
      if (!response.write(chunk)) {
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  };
}

/** An answer with a header of so many bytes. */
export function hugeHeaders(status: number, bytes: number): Step {
  return respond(status, { headers: { 'x-huge': 'h'.repeat(bytes) } });
}

/** These very bytes instead of an answer by the HTTP server; the connection stays open unless `thenClose`. */
export function raw(bytes: string | Buffer, { thenClose = false } = {}): Step {
  return ({ takeSocket }) => {
    const socket = takeSocket();
    if (thenClose) socket.end(bytes);
    else socket.write(bytes);
  };
}

/** The same bytes over and over, every so many ms or, with 0, as fast as they are read. */
export function rawFlood(bytes: string | Buffer, everyMs = 0): Step {
  return async ({ takeSocket, signal }) => {
    const socket = takeSocket();
    while (!signal.aborted) {
      if (!socket.write(bytes) || everyMs > 0) await delay(Math.max(everyMs, 1), null, { signal });
    }
  };
}
