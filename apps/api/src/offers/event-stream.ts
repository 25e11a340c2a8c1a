import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

/**
 * One server-sent event as bytes (WHATWG HTML, "Server-sent events"), made once for all who are sent it.
 * JSON has no raw line breaks, so the data is always one line.
 */
export function toServerSentEvent(event: string, data: unknown): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`, 'utf8');
}

/** A comment line: keeps proxies from closing a quiet stream and finds readers that are gone. */
const HEARTBEAT = Buffer.from(': heartbeat\n\n', 'utf8');

/** How soon a client that lost the stream comes back; it then begins with a fresh snapshot. */
const PREAMBLE = Buffer.from('retry: 2000\n\n', 'utf8');

/** How long an ended stream has to reach its reader before the connection is cut. */
const END_GRACE_MS = 1_000;

export type EventStreamOptions = {
  /** The response this will be the body of; destroyed when its reader does not take the end. */
  response: ServerResponse;
  /** A reader that lets more than this wait for it is cut off: it comes back to a snapshot. */
  maxBufferedBytes: number;
};

/** The body of one open `text/event-stream` response, which never holds more than its bound plus one event. */
export class EventStream extends Readable {
  readonly #response: ServerResponse;
  readonly #maxBufferedBytes: number;
  #hasEnded = false;

  constructor({ response, maxBufferedBytes }: EventStreamOptions) {
    super();
    this.#response = response;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.push(PREAMBLE);
  }

  override _read(): void {
    // Events are pushed when they happen; `send` keeps the bound.
  }

  /** Queues an event, or cuts the reader off when it left too much unread. */
  send(event: Buffer): void {
    if (this.destroyed || this.#hasEnded) return;
    if (this.readableLength > this.#maxBufferedBytes) {
      this.destroy();
      return;
    }
    this.push(event);
  }

  heartbeat(): void {
    this.send(HEARTBEAT);
  }

  /**
   * Ends the response properly. What is already with the socket is out of this stream's sight, so the grace
   * for a reader that takes nothing more is counted on the response itself.
   */
  end(): void {
    if (this.destroyed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
    const response = this.#response;
    if (response.closed) return;
    const timer = setTimeout(() => response.destroy(), END_GRACE_MS);
    response.once('close', () => clearTimeout(timer));
  }
}
