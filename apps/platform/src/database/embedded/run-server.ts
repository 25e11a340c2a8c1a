import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../network/find-free-ports.ts';
import { type PostgresAccount, spawnAs } from './postgres-account.ts';
import { readPostmasterFile } from './postmaster-file.ts';
import { stopServerWithParent } from './stop-with-parent.ts';

export type ServerOptions = {
  program: string;
  clusterDir: string;
  account: PostgresAccount;
  /** Further settings, as in `postgresql.conf`. */
  settings: Readonly<Record<string, string>>;
};

export type RunningServer = {
  port: number;
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
};

/** The server ended before it was ready; `log` is what it wrote. */
export class ServerStartError extends Error {
  override name = 'ServerStartError';
  readonly log: string;

  constructor(message: string, log: string) {
    super(`${message}\n${log}`);
    this.log = log;
  }
}

/** Recovery after a crash may take a while; a server that is still not ready then is not going to be. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 25;
const MAX_LOG_BYTES = 1_048_576;
/**
 * Becomes the server, which logs to a file: unlike a pipe it outlives us, and says why a server ended. The
 * account itself opens it, since a root process must not write where another account can put links.
 */
const LAUNCH = `umask 077; [ "$(wc -c 2>/dev/null <"$0" || echo 0)" -gt ${MAX_LOG_BYTES} ] && : >"$0"; exec "$@" >>"$0" 2>&1`;
/** After a fast shutdown has taken this long, an immediate one follows, from which the next start recovers. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * Starts the server on a free port of 127.0.0.1 and waits until it accepts connections. It ends by `stop()` or
 * with this process, and never keeps this process alive.
 *
 * @throws ServerStartError
 */
export async function runServer(options: ServerOptions): Promise<RunningServer> {
  const port = await findFreePort();
  const logStart = await findLogEnd(options.clusterDir);
  const server = await spawnServer(options, port);
  const ended = once(server, 'exit').then(() => undefined);
  const disarm = stopServerWithParent(server);
  void ended.then(disarm);
  server.unref();

  const stop = async () => {
    server.ref();
    server.kill('SIGINT');
    const inTime = await Promise.race([
      ended.then(() => true),
      delay(STOP_TIMEOUT_MS, false, { ref: false }),
    ]);
    if (!inTime) server.kill('SIGQUIT');
    await ended;
  };
  try {
    await waitUntilReady(server, options.clusterDir, logStart);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, ended, stop };
}

async function spawnServer(options: ServerOptions, port: number): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    lc_messages: 'C',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...options.settings,
  };
  const server = spawn(
    '/bin/sh',
    [
      '-c',
      LAUNCH,
      logPath(options.clusterDir),
      options.program,
      '-D',
      options.clusterDir,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    // A session of its own: Ctrl-C must reach the processes that use the database, not the database.
    { ...spawnAs(options.account), detached: true, stdio: 'ignore' },
  );
  await once(server, 'spawn');
  return server;
}

async function waitUntilReady(server: ChildProcess, clusterDir: string, logStart: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new ServerStartError(
        'The embedded PostgreSQL ended while starting.',
        await readLog(clusterDir, logStart),
      );
    }
    const file = await readPostmasterFile(clusterDir);
    if (file?.pid === server.pid && file?.status === 'ready') return;
    await delay(POLL_MS);
  }
  throw new ServerStartError(
    'The embedded PostgreSQL was not ready in time.',
    await readLog(clusterDir, logStart),
  );
}

function logPath(clusterDir: string): string {
  return path.join(clusterDir, 'server.log');
}

/** Where the next server's lines will begin. */
async function findLogEnd(clusterDir: string): Promise<number> {
  const size = await stat(logPath(clusterDir)).then(
    (file) => file.size,
    () => 0,
  );
  return size > MAX_LOG_BYTES ? 0 : size;
}

async function readLog(clusterDir: string, start: number): Promise<string> {
  const log = await readFile(logPath(clusterDir)).catch(() => Buffer.alloc(0));
  return log.subarray(start).toString('utf8').trim();
}
