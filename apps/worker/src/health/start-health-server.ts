import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, { status: 'error' });
    if (path === '/livez') return answer(response, 200, { status: 'ok' });
    if (path !== '/readyz') return answer(response, 404, { status: 'error' });
    void readiness.report().then((report) => answer(response, report.status === 'ready' ? 200 : 503, report));
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

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(body));
}
