import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stopServerWithParent } from '@vendor-server/platform/database/embedded/stop-with-parent.ts';
import { findFreePort } from '@vendor-server/platform/network/find-free-ports.ts';
import { Redis } from 'ioredis';

/** A Redis for one test, which may do to it what it likes. It keeps nothing between two starts. */
export interface PrivateRedis {
  /** The same before, between and after starts. */
  readonly url: string;
  /** Starts it, and waits until it answers. */
  start(): Promise<void>;
  /** SIGKILL: connections are cut, and everything in it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered. */
  hang(): void;
  resume(): void;
  /** `CLIENT PAUSE`: takes connections and commands, and answers none of them for so long. */
  pause(forMs: number): Promise<void>;
  /** Out of memory from now on: refuses whatever would take more, and answers the rest. */
  fillMemory(): Promise<void>;
  freeMemory(): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Not started yet. Needs `redis-server` on the PATH. */
export async function createPrivateRedis(): Promise<PrivateRedis> {
  const port = await findFreePort();
  const directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-e2e-redis-'));
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | null = null;

  async function kill(): Promise<void> {
    if (server === null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    server = null;
    await ended;
  }

  return {
    url,
    async start() {
      const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory];
      server = spawn('redis-server', [...args, '--save', '', '--maxmemory-policy', 'noeviction'], {
        stdio: 'ignore',
      });
      await once(server, 'spawn');
      server.once('exit', stopServerWithParent(server));
      await withClient(url, (client) => client.ping());
    },
    kill,
    hang: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    pause: (forMs) => withClient(url, (client) => client.client('PAUSE', forMs, 'ALL')),
    // Less than it has, and it evicts nothing.
    fillMemory: () => withClient(url, (client) => client.config('SET', 'maxmemory', 1)),
    freeMemory: () => withClient(url, (client) => client.config('SET', 'maxmemory', 0)),
    flush: () => withClient(url, (client) => client.flushall()),
    async close() {
      await kill();
      await rm(directory, { recursive: true });
    },
  };
}

/** Waits for the server as long as it takes to start. */
async function withClient(url: string, use: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  // Refused until the server listens.
  client.on('error', () => undefined);
  try {
    await use(client);
  } finally {
    client.disconnect();
  }
}
