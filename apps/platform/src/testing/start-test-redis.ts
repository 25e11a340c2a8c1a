import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { stopServerWithParent } from '../database/embedded/stop-with-parent.ts';
import { findFreePort } from '../network/find-free-ports.ts';
import { findProgram } from './find-program.ts';
import type { TestServices } from './provided-context.ts';

export type TestRedis = { services: NonNullable<TestServices['redis']>; stop(): Promise<void> };

/** Logical databases, one for every suite that asks. */
const REDIS_DATABASES = 4_096;

/**
 * A Redis of its own on 127.0.0.1, without persistence, ended with this process.
 * @returns null when there is no `redis-server` on the PATH
 */
export async function startTestRedis(searchPath: string): Promise<TestRedis | null> {
  const program = await findProgram('redis-server', searchPath);
  if (program === null) return null;
  const directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-test-redis-'));
  const port = await findFreePort();
  // Configured through its input.
  const server = spawn(program, ['-'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  server.stdin.end(
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir "${directory}"`,
      'save ""',
      'appendonly no',
      'maxmemory-policy noeviction',
      `databases ${REDIS_DATABASES}`,
    ].join('\n'),
  );
  const ended = once(server, 'exit');
  await once(server, 'spawn');
  void ended.then(stopServerWithParent(server));
  const url = `redis://127.0.0.1:${port}`;
  await Promise.race([
    waitUntilAnswering(url),
    ended.then(() => Promise.reject(new Error(`${program} ended while starting`))),
  ]);
  return {
    services: { url, databases: REDIS_DATABASES, claimsDir: directory },
    async stop() {
      server.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

async function waitUntilAnswering(url: string): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  // Refused until the server listens.
  client.on('error', () => undefined);
  try {
    await client.ping();
  } finally {
    client.disconnect();
  }
}
