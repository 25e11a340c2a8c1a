import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { clockNow } from './received-request.ts';

/** One webhook that arrived complete. */
export interface Receipt {
  readonly path: string;
  readonly orderId: string;
  readonly version: number;
  /** On the clock of `clockNow`. */
  readonly receivedAt: number;
  /** From the change, by its `updatedAt`, to the receipt. Both clocks are this machine's. */
  readonly latencyMs: number;
}

/**
 * A receiver for load: it knows just enough of HTTP to take webhooks over kept connections, at a tenth of what an
 * HTTP server costs, so that on a small machine it is the system that is measured.
 */
export interface RawReceiver {
  readonly port: number;
  /** Everything that arrived and was answered 200, in order. */
  readonly receipts: readonly Receipt[];
  /** Requests that arrived while it hung. */
  readonly unanswered: number;
  readonly openConnections: number;
  /** From now on it accepts and reads, and never answers. */
  hang(): void;
  close(): Promise<void>;
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const HEAD_END = '\r\n\r\n';

export async function createRawReceiver({ hangs = false } = {}): Promise<RawReceiver> {
  const receipts: Receipt[] = [];
  const sockets = new Set<Socket>();
  let isHanging = hangs;
  let unanswered = 0;

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let text = '';
    // One character a byte: the length in the head counts bytes.
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (!isComplete(text)) return;
      if (isHanging) unanswered += 1;
      else {
        receipts.push(toReceipt(text));
        socket.write(ANSWER);
      }
      text = '';
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    receipts,
    get unanswered() {
      return unanswered;
    },
    get openConnections() {
      return sockets.size;
    },
    hang() {
      isHanging = true;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The sender has one request on a connection at a time, so what has arrived is at most one. */
function isComplete(text: string): boolean {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length >= headEnd + HEAD_END.length + length;
}

function toReceipt(text: string): Receipt {
  const receivedAt = clockNow();
  const body = JSON.parse(text.slice(text.indexOf(HEAD_END) + HEAD_END.length)) as {
    orderId: string;
    version: number;
    updatedAt: string;
  };
  return {
    path: text.slice('POST '.length, text.indexOf(' HTTP/')),
    orderId: body.orderId,
    version: body.version,
    receivedAt,
    latencyMs: receivedAt - Date.parse(body.updatedAt),
  };
}
