import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { clockNow, type ReceivedRequest, readRequest } from './received-request.ts';
import { type Answering, respond, type Step } from './steps.ts';
import { trackConnections } from './track-connections.ts';

/** Which requests a rule is for: a path (without query), or a question about the request. */
export type Matcher = string | ((request: ReceivedRequest) => boolean);

export interface ReceiverOptions {
  /** Default: a free one. A fixed port lets a receiver come back where it was. */
  port?: number;
  /** Default `127.0.0.1`. */
  host?: string;
  /** PEM texts; the receiver then speaks HTTPS. */
  tls?: { key: string; cert: string };
}

/** An HTTP server that records what it gets and answers as it is told; see `steps.ts` for the answers. */
export interface Receiver {
  /** The requests so far, in the order in which they were complete. */
  readonly requests: readonly ReceivedRequest[];
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly openConnections: number;
  /** Bytes that arrived over all connections, under TLS those of the TCP connection. */
  readonly bytesReceived: number;
  /** The server names asked for in TLS handshakes (SNI), in order. */
  readonly serverNames: readonly string[];
  url(path: string): string;
  /**
   * The n-th matching request gets the n-th step, all further ones the last. A later rule goes before an earlier
   * one; what no rule matches, and a rule without steps, is answered 200.
   */
  answer(matcher: Matcher, ...steps: Step[]): void;
  /** As `answer`, but counted for each key on its own, e.g. a step per attempt of each delivery. */
  answerEach(keyOf: (request: ReceivedRequest) => string | undefined, ...steps: Step[]): void;
  /** The first request, past or future, of which this is true. Rejects after `timeoutMs` (default 10 000). */
  waitFor(predicate: (request: ReceivedRequest) => boolean, timeoutMs?: number): Promise<ReceivedRequest>;
  /** All requests, as soon as there are that many. Rejects after `timeoutMs` (default 10 000). */
  waitForCount(count: number, timeoutMs?: number): Promise<readonly ReceivedRequest[]>;
  /** Ends the server and every connection, at once. */
  close(): Promise<void>;
}

interface Rule {
  /** The key under which the request is counted; undefined when the rule is not for it. */
  keyOf: (request: ReceivedRequest) => string | undefined;
  steps: readonly Step[];
  counts: Map<string, number>;
}

const DEFAULT_WAIT_MS = 10_000;

/** Starts a receiver; resolves once it listens. */
export async function createReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const rules: Rule[] = [];
  const serverNames: string[] = [];
  const taken = new WeakSet<Socket>();
  const watchers = new Set<() => void>();

  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const { socket } = message;
    const signal = connections.closeSignalOf(socket);
    try {
      const request = await readRequest(message, connections.numberOf(socket));
      requests.push(request);
      for (const look of watchers) look();
      if (taken.has(socket)) return void socket.destroy();
      await takeStep(rules, request)(toAnswering(request, response, signal, () => taken.add(socket)));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  const onRequest = (message: IncomingMessage, response: ServerResponse) => void handle(message, response);
  const server = options.tls
    ? createHttpsServer(
        {
          ...options.tls,
          SNICallback: (name, done) => {
            serverNames.push(name);
            done(null);
          },
        },
        onRequest,
      )
    : createHttpServer(onRequest);
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  const connections = trackConnections(server);

  const host = options.host ?? '127.0.0.1';
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const waitUntil = async <T>(look: () => T | undefined, timeoutMs: number, what: string): Promise<T> => {
    const first = look();
    if (first !== undefined) return first;
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        watchers.delete(watcher);
      };
      const watcher = () => {
        const found = look();
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`${what} did not come within ${timeoutMs} ms; ${requests.length} requests came`));
      }, timeoutMs);
      watchers.add(watcher);
    });
  };

  return {
    requests,
    port,
    serverNames,
    get connections() {
      return connections.accepted;
    },
    get openConnections() {
      return connections.open;
    },
    get bytesReceived() {
      return connections.bytesReceived;
    },
    url: (path) =>
      `${options.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    answer(matcher, ...steps) {
      const matches = typeof matcher === 'string' ? toPathMatcher(matcher) : matcher;
      rules.unshift({ keyOf: (request) => (matches(request) ? '' : undefined), steps, counts: new Map() });
    },
    answerEach(keyOf, ...steps) {
      rules.unshift({ keyOf, steps, counts: new Map() });
    },
    waitFor: (predicate, timeoutMs = DEFAULT_WAIT_MS) =>
      waitUntil(() => requests.find(predicate), timeoutMs, 'the request'),
    waitForCount: (count, timeoutMs = DEFAULT_WAIT_MS) =>
      waitUntil(() => (requests.length >= count ? requests : undefined), timeoutMs, `request ${count}`),
    async close() {
      const closed = once(server, 'close');
      server.close();
      connections.destroyAll();
      await closed;
    },
  };
}

function toPathMatcher(path: string): (request: ReceivedRequest) => boolean {
  return (request) => request.path.replace(/\?.*/, '') === path;
}

function takeStep(rules: readonly Rule[], request: ReceivedRequest): Step {
  for (const { keyOf, steps, counts } of rules) {
    const key = keyOf(request);
    if (key === undefined) continue;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return steps[Math.min(count, steps.length - 1)] ?? respond(200);
  }
  return respond(200);
}

function toAnswering(
  request: ReceivedRequest,
  response: ServerResponse,
  signal: AbortSignal,
  onTake: () => void,
): Answering {
  const { socket } = response.req;
  return {
    request,
    response,
    socket,
    signal,
    writeHead(status, headers = {}) {
      request.answeredAt = clockNow();
      request.answeredStatus = status;
      response.writeHead(status, headers);
      response.flushHeaders();
    },
    takeSocket() {
      request.answeredAt = clockNow();
      onTake();
      return socket;
    },
  };
}
