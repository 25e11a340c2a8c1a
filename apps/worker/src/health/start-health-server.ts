import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERROR_CODES } from '@vendor-server/domain/errors/error-codes.ts';
import type { MetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import type { MetricsGate, Refusal } from './create-metrics-gate.ts';
import type { Readiness } from './create-readiness.ts';

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly readiness: Readiness;
  readonly metricsPage: MetricsPage;
  readonly metricsGate: MetricsGate;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Asked by a few, every few seconds: others must not take the file descriptors that webhooks need. */
const MAX_CONNECTIONS = 100;
const SERVER_OPTIONS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 };

/** For a browser: nothing to keep, and nothing but what it is said to be. */
const DATA_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

type Handle = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * Serves `GET /livez` (the process answers) and `GET /readyz` (it can deliver), without credential and content, and
 * `GET /metrics` to operators.
 */
export async function startHealthServer({
  host,
  port,
  readiness,
  metricsPage,
  metricsGate,
}: HealthServerOptions): Promise<HealthServer> {
  const handlers: Readonly<Record<string, Handle>> = {
    '/livez': (_request, response) => answer(response, 200, { status: 'up' }),
    async '/readyz'(_request, response) {
      const report = await readiness.report();
      answer(response, report.status === 'up' ? 200 : 503, report);
    },
    async '/metrics'(request, response) {
      const refusal = metricsGate(request);
      if (refusal !== null) return refuse(response, refusal);
      const text = await metricsPage.read();
      response.writeHead(200, { ...DATA_HEADERS, 'content-type': metricsPage.contentType });
      response.end(text);
    },
  };
  const server = createServer(SERVER_OPTIONS, (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const handle = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
    if (handle === undefined) return refuse(response, { code: 'not_found', headers: {} });
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refuse(response, { code: 'method_not_allowed', headers: { allow: 'GET, HEAD' } });
    }
    void Promise.resolve(handle(request, response)).catch(() => {
      if (response.headersSent) response.destroy();
      else refuse(response, { code: 'internal_error', headers: {} });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function refuse(response: ServerResponse, { code, message, headers }: Refusal): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const { status, message: usual } = ERROR_CODES[code];
  answer(response, status, { ok: false, error: message ?? usual, code, requestId: randomUUID() });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...DATA_HEADERS, 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
