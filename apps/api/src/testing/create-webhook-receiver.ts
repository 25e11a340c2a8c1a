import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { signWebhook } from '@vendor-server/domain/webhooks/sign-webhook.ts';

export interface ReceivedWebhook {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type WebhookAnswer =
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
  | 'nothing';

export interface WebhookReceiver {
  /** `http://127.0.0.1:<port>` */
  readonly base: string;
  readonly received: ReceivedWebhook[];
  /** The answer from now on. */
  answer: WebhookAnswer;
  /** Forgets what was received, and answers 200 again. */
  reset(): void;
  close(): void;
}

const OK: WebhookAnswer = { status: 200, body: '{"success":true,"message":"Webhook received successfully"}' };

/** A customer's endpoint that keeps what it gets. */
export async function createWebhookReceiver(): Promise<WebhookReceiver> {
  const server = createServer((request, response) => void receive(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: WebhookReceiver = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: OK,
    reset() {
      receiver.received.length = 0;
      receiver.answer = OK;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    receiver.received.push({ url: request.url ?? '', headers: request.headers, body });
    const { answer } = receiver;
    if (answer === 'nothing') return;
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body);
  }

  return receiver;
}

/** Whether this secret is among those that a request was signed with. */
export function isSignedWith(secret: string, { headers, body }: ReceivedWebhook): boolean {
  const id = String(headers['webhook-id']);
  const signature = signWebhook([secret], id, Number(headers['webhook-timestamp']), body);
  return String(headers['webhook-signature']).split(' ').includes(signature);
}
