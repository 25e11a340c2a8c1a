/**
 * Reads what a connection to Redis carries (RESP, "Redis serialization protocol specification") and springs traps.
 *
 * Replies come in the order of their commands, which is how a reply is known. A command inside MULTI takes effect with
 * its EXEC; one that was answered with an error has not taken effect.
 */
import type { Inspection, ProxiedConnection } from '../../system/create-tcp-proxy.ts';
import type { Caught, Traps } from './create-traps.ts';
import { createValve } from './create-valve.ts';

/** Of each argument of a command, for its name: keys are shorter, scripts and job data longer. */
const MAX_ARGUMENT_LENGTH = 60;

export function watchRedis(connection: ProxiedConnection, traps: Traps): Inspection {
  const unanswered: string[] = [];
  /** Commands that wait for their EXEC. */
  let queued: string[] = [];
  const toServer = createValve(connection.toServer);
  const toClient = createValve(connection.toClient);
  const caught: Caught = {
    release() {
      toServer.open();
      toClient.open();
    },
    cut: () => connection.cut(),
  };

  function onCommand(bytes: Buffer): void {
    const command = nameCommand(bytes);
    unanswered.push(command);
    const spring = traps.spring([command], 'before');
    if (spring !== null) {
      toServer.shut();
      spring(caught);
    }
    toServer.pass(bytes);
  }

  function onReply(bytes: Buffer): void {
    const command = unanswered.shift() ?? '';
    const text = bytes.toString('latin1', 0, 16);
    if (text.startsWith('+QUEUED')) {
      queued.push(command);
    } else {
      const isExec = /^exec/i.test(command);
      const spring = text.startsWith('-') ? null : traps.spring(isExec ? queued : [command], 'after');
      if (isExec) queued = [];
      if (spring !== null) {
        toClient.shut();
        spring(caught);
      }
    }
    toClient.pass(bytes);
  }

  return { toServer: createValueReader(onCommand), toClient: createValueReader(onReply) };
}

/** The command and its arguments, each cut, with spaces between them. */
function nameCommand(bytes: Buffer): string {
  const words: string[] = [];
  for (let at = endOfLine(bytes, 0); at < bytes.length; ) {
    const start = endOfLine(bytes, at);
    const length = lengthAt(bytes, at);
    words.push(bytes.toString('latin1', start, start + Math.min(length, MAX_ARGUMENT_LENGTH)));
    at = start + length + 2;
  }
  return words.join(' ');
}

/** Puts chunks together and takes them apart into whole values. */
function createValueReader(onValue: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = endOfValue(rest, 0); end !== null; end = endOfValue(rest, 0)) {
      const bytes = rest.subarray(0, end);
      rest = rest.subarray(end);
      onValue(bytes);
    }
  };
}

/** Null when there is more of it to come. */
function endOfValue(bytes: Buffer, start: number): number | null {
  if (start >= bytes.length || bytes.indexOf('\r\n', start) < 0) return null;
  const bodyStart = endOfLine(bytes, start);
  const type = String.fromCharCode(bytes[start] ?? 0);
  const length = lengthAt(bytes, start);
  if ('$=!'.includes(type)) {
    const end = length < 0 ? bodyStart : bodyStart + length + 2;
    return end <= bytes.length ? end : null;
  }
  if (!'*~>%'.includes(type)) return bodyStart;
  let end: number | null = bodyStart;
  for (let left = type === '%' ? length * 2 : length; left > 0 && end !== null; left -= 1) {
    end = endOfValue(bytes, end);
  }
  return end;
}

/** Where the line that begins there has ended, its line break included. */
function endOfLine(bytes: Buffer, start: number): number {
  return bytes.indexOf('\r\n', start) + 2;
}

/** The number behind the first character of a line. */
function lengthAt(bytes: Buffer, start: number): number {
  return Number(bytes.toString('latin1', start + 1, endOfLine(bytes, start) - 2));
}
