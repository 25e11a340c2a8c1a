import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERROR_CODES } from '@vendor-server/domain/errors/error-codes.ts';
import type { Readiness } from './create-readiness.ts';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `GET /livez` (the process answers) and `GET /readyz` (it can deliver). No credential, no content. */
export async function startHealthServer({
  host,
  port,
  readiness,
}: {
  readonly host: string;
  readonly port: number;
  readonly readiness: Readiness;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/livez' && path !== '/readyz') return refuse(response, 'not_found');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 'method_not_allowed');
    if (path === '/livez') return answer(response, 200, { status: 'up' });
    void readiness.report().then((report) => answer(response, report.status === 'up' ? 200 : 503, report));
  });
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

function refuse(response: ServerResponse, code: 'not_found' | 'method_not_allowed'): void {
  const { status, message } = ERROR_CODES[code];
  if (code === 'method_not_allowed') response.setHeader('allow', 'GET, HEAD');
  answer(response, status, { ok: false, error: message, code, requestId: randomUUID() });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(body));
}
