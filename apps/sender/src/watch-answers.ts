/*
 * What comes in is looked at before undici's parser gets it, for two things that the parser does not do:
 *
 * - *A 100 is passed over.* A client must be able to read any interim answer (1xx) before the answer itself, also one
 *   that it did not ask for (RFC 9110 §15.2). undici passes over all of them but `100 Continue`, which its parser takes
 *   for a broken server without asking anybody, because it never sends an `expect`. Some servers and proxies send it
 *   all the same. So a 100 becomes a 102, which says as little and is passed over and counted.
 * - *Headers are limited as they come over the wire, in bytes and in lines.* undici counts names and values only, and
 *   keeps two buffers for each line: 4 000 lines of `a:` took 1 MB a connection, and four times as many passed.
 *
 * Why nothing else is ever changed: only the status line that begins an answer is looked at, and those that follow
 * interim answers. One request at a time is on a connection, so whatever is read after bytes were written begins
 * an answer; and after the headers of an answer nothing is looked at until bytes are written again.
 */
import type { Socket } from 'node:net';
import { AttemptFailure } from './attempt-failure.ts';

export const MAX_HEADER_BYTES = 16 * 1024;
/** More within 16 KiB are shorter than 32 bytes each, which no honest server's are. */
export const MAX_HEADER_LINES = 500;

const STATUS_LINE = Buffer.from('HTTP/1.');
const STATUS_AT = 9;
const [ONE, ZERO, TWO, LF, CR] = [0x31, 0x30, 0x32, 0x0a, 0x0d];

/**
 * Makes `read` of a connection that carries one request at a time give a `100 Continue` as a 102, and end the
 * connection with `headers_too_large` where the headers of an answer pass one of the two limits.
 */
export function watchAnswers(socket: Socket): void {
  const read = socket.read.bind(socket);
  let watch = createWatch();
  let written = 0;
  socket.read = (size) => {
    const chunk: unknown = read(size);
    if (socket.bytesWritten !== written) {
      written = socket.bytesWritten;
      watch = createWatch();
    }
    if (!(chunk instanceof Uint8Array) || watch(chunk)) return chunk;
    socket.destroy(headersTooLarge());
    return null;
  };
}

export function headersTooLarge(): AttemptFailure {
  return new AttemptFailure(
    'headers_too_large',
    'The headers of the answer are larger than 16 KiB, or more than 500.',
  );
}

type Where = 'status line' | 'interim headers' | 'headers' | 'body';

/**
 * A look at the bytes of one answer, in the pieces in which they come; changes a status 100 in place. False once the
 * headers of the answer, or of an interim one before it, pass a limit together with their status line.
 */
export function createWatch(): (chunk: Uint8Array) => boolean {
  let where: Where = 'status line';
  let headerBytes = 0;
  let lines = 0;
  /** Bytes of the present line so far, without its end. */
  let at = 0;
  let isContinue = true;

  const readStatusLine = (byte: number): number => {
    // A parser passes over empty lines before an answer.
    if (at === 0 && (byte === CR || byte === LF)) return byte;
    const isExpected = at === 7 || at === 8 || byte === STATUS_LINE[at] || at >= STATUS_AT;
    if (!isExpected || (at === STATUS_AT && byte !== ONE)) where = 'headers';
    if (at > STATUS_AT) isContinue &&= byte === ZERO;
    at += 1;
    if (at < STATUS_AT + 3) return byte;
    where = 'interim headers';
    return isContinue ? TWO : byte;
  };

  const readLine = (byte: number): void => {
    if (byte === LF && at === 0) {
      where = where === 'headers' ? 'body' : 'status line';
      headerBytes = 0;
      lines = 0;
      isContinue = true;
    } else if (byte === LF) {
      lines += 1;
      at = 0;
    } else if (byte !== CR) {
      at += 1;
    }
  };

  return (chunk) => {
    for (const [index, byte] of chunk.entries()) {
      if (where === 'body') break;
      headerBytes += 1;
      if (headerBytes > MAX_HEADER_BYTES || lines > MAX_HEADER_LINES) return false;
      if (where === 'status line') chunk[index] = readStatusLine(byte);
      else readLine(byte);
    }
    return true;
  };
}
