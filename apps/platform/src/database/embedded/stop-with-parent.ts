import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Waits for a line or for the end of its input. The end without a line means that the parent is gone, by
 * whatever signal: then the server gets SIGINT, which to PostgreSQL means "disconnect everybody, shut down".
 */
const WATCHDOG = 'read -r line || kill -INT "$1"';

/**
 * Sees to it that the server stops when this process ends in any way, SIGKILL included, where no handler of
 * ours would run. A shell holds the other end of a pipe that only this process writes to; the kernel closes
 * it when this process dies. It runs in a session of its own, so that neither Ctrl-C nor a signal to the
 * whole process group takes the watchdog along.
 *
 * @returns call it once the server has ended: its process id may then become somebody else's
 */
export function stopServerWithParent(server: ChildProcess): () => void {
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', String(server.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: {},
  });
  const pipe = watchdog.stdin;
  // The watchdog may be gone before we write, which is fine.
  pipe.on('error', () => undefined);
  // Neither may keep this process alive: when it ends, the server ends.
  watchdog.unref();
  if (pipe instanceof Socket) pipe.unref();
  return () => pipe.end('ended\n');
}
