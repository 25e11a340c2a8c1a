import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** One request as it arrived, complete with its body. Times are in ms since 1970, on a clock that never steps. */
export interface ReceivedRequest {
  /** When its headers were in. */
  readonly receivedAt: number;
  /** When the headers of its answer were written; null while, or if, they were not. */
  answeredAt: number | null;
  /** The status in those headers; null also when the answer was written by hand, on the socket. */
  answeredStatus: number | null;
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values alternate, as spelled on the wire. */
  readonly rawHeaders: readonly string[];
  /** The bytes as they came. */
  readonly body: Buffer;
  /** Which of the receiver's connections it came over, counted from 1. */
  readonly connection: number;
  /** A header's value, or undefined. */
  header(name: string): string | undefined;
  /** The body parsed as JSON. */
  json(): unknown;
}

/** Ms since 1970 that follow the monotonic clock. */
export function clockNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Reads a request to its end. Rejects when the connection ends before. */
export async function readRequest(message: IncomingMessage, connection: number): Promise<ReceivedRequest> {
  const receivedAt = clockNow();
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);

  return {
    receivedAt,
    answeredAt: null,
    answeredStatus: null,
    method: message.method ?? '',
    path: message.url ?? '',
    headers: message.headers,
    rawHeaders: message.rawHeaders,
    body,
    connection,
    header(name) {
      const value = message.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    json: () => JSON.parse(body.toString()) as unknown,
  };
}
