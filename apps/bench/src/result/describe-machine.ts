import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { BenchMeta } from './bench-result.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const MIB = 1024 * 1024;
/** Those on the hot paths. */
const LIBRARIES = ['fastify', 'pg', 'bullmq', 'ioredis', 'undici', 'pino'];

type MachineMeta = Pick<BenchMeta, 'machine' | 'cores' | 'memoryMib' | 'system' | 'versions' | 'commit'>;

/** @param servers versions of what the processes talk to */
export async function describeMachine(servers: Readonly<Record<string, string>>): Promise<MachineMeta> {
  const libraries = await Promise.all(
    LIBRARIES.map(async (name) => [name, await readVersion(name)] as const),
  );
  return {
    machine: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMib: Math.round(totalmem() / MIB),
    system: `${type()} ${release()} ${arch()}`,
    versions: { node: process.versions.node, ...servers, ...Object.fromEntries(libraries) },
    commit: await readCommit(),
  };
}

async function readVersion(name: string): Promise<string> {
  const manifest = await readFile(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

async function readCommit(): Promise<string | null> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', args, { cwd: ROOT })).stdout.trim();
  try {
    const hasChanges = (await git('status', '--porcelain')) !== '';
    return `${await git('rev-parse', '--short', 'HEAD')}${hasChanges ? '+' : ''}`;
  } catch {
    return null;
  }
}
