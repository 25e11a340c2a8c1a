/*
 * A client must be able to read any interim answer (1xx) before the answer itself, also one that it did not ask for
 * (RFC 9110 §15.2). undici passes over all of them but `100 Continue`, which its parser takes for a broken server
 * without asking anybody, because it never sends an `expect`. Some servers and proxies send it all the same. So what
 * comes in is looked at first, and a 100 becomes a 102, which says as little and is passed over and counted.
 *
 * Why nothing else is ever changed: only the status line that begins an answer is looked at, and those that follow
 * interim answers. One request at a time is on a connection, so whatever is read after bytes were written begins
 * an answer; and after a status that is not 1xx nothing is looked at until bytes are written again.
 */
import type { Socket } from 'node:net';

const STATUS_LINE = Buffer.from('HTTP/1.');
const STATUS_AT = 9;
const [ONE, ZERO, TWO, LF, CR] = [0x31, 0x30, 0x32, 0x0a, 0x0d];

/** Makes `read` of a connection that carries one request at a time give a `100 Continue` as a 102. */
export function passOverContinue(socket: Socket): void {
  const read = socket.read.bind(socket);
  let watch = createWatch();
  let written = 0;
  socket.read = (size) => {
    const chunk: unknown = read(size);
    if (socket.bytesWritten !== written) {
      written = socket.bytesWritten;
      watch = createWatch();
    }
    if (chunk instanceof Uint8Array) watch(chunk);
    return chunk;
  };
}

type Where = 'status line' | 'interim headers' | 'answer';

/** A look at the bytes of one answer, in the pieces in which they come; changes a status 100 in place. */
export function createWatch(): (chunk: Uint8Array) => void {
  let where: Where = 'status line';
  /** Bytes of the present line so far, without its end. */
  let at = 0;
  let isContinue = true;

  const readStatusLine = (byte: number): number => {
    // A parser passes over empty lines before an answer.
    if (at === 0 && (byte === CR || byte === LF)) return byte;
    const isExpected = at === 7 || at === 8 || byte === STATUS_LINE[at] || at >= STATUS_AT;
    if (!isExpected || (at === STATUS_AT && byte !== ONE)) where = 'answer';
    if (at > STATUS_AT) isContinue &&= byte === ZERO;
    at += 1;
    if (at < STATUS_AT + 3) return byte;
    where = 'interim headers';
    return isContinue ? TWO : byte;
  };

  const readHeaders = (byte: number): void => {
    if (byte === LF && at === 0) {
      where = 'status line';
      isContinue = true;
    } else if (byte === LF) {
      at = 0;
    } else if (byte !== CR) {
      at += 1;
    }
  };

  return (chunk) => {
    if (where === 'answer') return;
    for (const [index, byte] of chunk.entries()) {
      if (where === 'status line') chunk[index] = readStatusLine(byte);
      else if (where === 'interim headers') readHeaders(byte);
      else return;
    }
  };
}
