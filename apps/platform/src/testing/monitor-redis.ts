import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** `+<time> [<database> <client>] "<command>" "<argument>" …` (Redis, "MONITOR"); what a script calls has the client "lua". */
const LINE = /^\+[\d.]+ \[(\d+) (\S+)\] (.*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;

export interface RedisMonitor {
  close(): void;
}

/**
 * Tells of every command that clients send to one logical database, in the order in which Redis runs them. (Over a socket of
 * its own: ioredis takes what comes right after the "+OK" of MONITOR for replies, and fails.)
 *
 * @param redisUrl with the database's number for a path
 */
export async function monitorRedis(
  redisUrl: string,
  onCommand: (name: string, args: readonly string[]) => void,
): Promise<RedisMonitor> {
  const { hostname, port, pathname } = new URL(redisUrl);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const lines = createInterface({ input: socket });
  socket.write('MONITOR\r\n');
  await once(lines, 'line');
  lines.on('line', (line) => {
    const [, database, client, text = ''] = LINE.exec(line) ?? [];
    if (database !== pathname.slice(1) || client === 'lua') return;
    const [name = '', ...args] = [...text.matchAll(WORD)].map(([, word = '']) => word);
    onCommand(name.toLowerCase(), args);
  });
  return { close: () => socket.destroy() };
}
