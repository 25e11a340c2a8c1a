import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { checkWebhook } from './check-webhook.ts';
import type { ReceivedWebhook } from './describe-webhook.ts';
import type { ListenOptions } from './parse-listen-options.ts';

/** Far above any webhook; a listener is not to be filled up. */
const MAX_BODY_BYTES = 1_048_576;

/** A server that takes any webhook, hands it to `onWebhook`, and answers as the options say. */
export function createListener(
  options: ListenOptions,
  onWebhook: (webhook: ReceivedWebhook) => void,
): Server {
  let count = 0;

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === null) {
      response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    count += 1;
    const receivedAt = new Date();
    const checks = checkWebhook({ headers: request.headers, body }, options, receivedAt);
    const isScripted = options.times === null || count <= options.times;
    const isRefused = isNotProven(checks.secret) || isNotProven(checks.signature);
    const status = isRefused ? 401 : isScripted ? options.status : 200;
    const delayMs = isScripted ? options.delayMs : 0;
    const { method = '', url = '', headers } = request;
    onWebhook({ number: count, receivedAt, method, url, headers, body, checks, status, delayMs });
    if (delayMs > 0) await delay(delayMs);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: status < 300 }));
  }

  return createServer((request, response) => {
    // The sender may give up at any time; that is its answer, not our failure.
    receive(request, response).catch(() => response.destroy());
  });
}

/** Resolves to the address to send webhooks to. */
export async function startListening(server: Server, { host, port }: ListenOptions): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}/`;
}

function isNotProven(result: string): boolean {
  return result === 'wrong' || result === 'missing';
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
