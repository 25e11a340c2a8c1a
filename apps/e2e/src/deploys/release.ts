import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  listMigrations,
  MIGRATIONS_DIR,
} from '@vendor-server/platform/database/migrations/list-migrations.ts';
import { LAST_MIGRATION_BEFORE } from './release-before.ts';

/** A version of the program: what a deployment begins with, or leads to. */
export interface Release {
  readonly programs: { readonly api: string; readonly worker: string };
  readonly migrationsDir: string;
  /** Of its processes, besides their settings. */
  readonly env: Readonly<Record<string, string>>;
}

export interface CheckedOutRelease extends Release {
  remove(): Promise<void>;
}

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const MAX_OUTPUT = 64 * 1024 * 1024;
const run = promisify(execFile);

export const THIS_RELEASE: Release = {
  programs: {
    api: fileURLToPath(import.meta.resolve('@vendor-server/api/main.ts')),
    worker: fileURLToPath(import.meta.resolve('@vendor-server/worker/main.ts')),
  },
  migrationsDir: MIGRATIONS_DIR,
  env: {},
};

/**
 * The commit right before this release's first migration: the release before, or the last that was like it. Null where
 * the history is not at hand, in a packed or shallow checkout.
 */
export async function findCommitBefore(): Promise<string | null> {
  const names = (await listMigrations()).map(({ name }) => name);
  const added = names
    .filter((name) => name > LAST_MIGRATION_BEFORE)
    .map((name) => `prisma/migrations/${name}`);
  if (added.length === 0) return null;
  try {
    const first = await git('log', '--reverse', '--diff-filter=A', '--format=%H', '--', ...added);
    return await git('rev-parse', '--verify', `${first.split('\n')[0]}^`);
  } catch {
    return null;
  }
}

/** The program as of a commit, in a directory of its own. It runs on the packages that are installed here. */
export async function checkOutRelease(commit: string): Promise<CheckedOutRelease> {
  const directory = await mkdtemp(path.join(tmpdir(), 'vendor-server-release-'));
  const archive = path.join(directory, 'release.tar');
  await git('archive', '--output', archive, commit, 'apps', 'prisma', 'package.json', 'tsconfig.base.json');
  await run('tar', ['-xf', archive, '-C', directory]);
  await linkPackages(directory);
  await run(
    process.execPath,
    [
      path.join(ROOT, 'node_modules/prisma/build/index.js'),
      'generate',
      '--config',
      'prisma/prisma.config.ts',
    ],
    {
      cwd: directory,
      env: { PATH: process.env['PATH'], PRISMA_SCHEMA_ENGINE_BINARY: '/bin/false', CHECKPOINT_DISABLE: '1' },
    },
  );
  return {
    programs: {
      api: path.join(directory, 'apps/api/src/main.ts'),
      worker: path.join(directory, 'apps/worker/src/main.ts'),
    },
    migrationsDir: path.join(directory, 'prisma/migrations'),
    // What is compiled would be kept for a directory that no other run has.
    env: { NODE_DISABLE_COMPILE_CACHE: '1' },
    remove: () => rm(directory, { recursive: true }),
  };
}

/** Everything from here, but its own workspaces. */
async function linkPackages(directory: string): Promise<void> {
  const here = path.join(ROOT, 'node_modules');
  const there = path.join(directory, 'node_modules');
  await mkdir(path.join(there, '@vendor-server'), { recursive: true });
  for (const name of await readdir(here)) {
    if (name === '@vendor-server' || name.startsWith('.')) continue;
    await symlink(path.join(here, name), path.join(there, name));
  }
  for (const name of await readdir(path.join(directory, 'apps'))) {
    await symlink(path.join(directory, 'apps', name), path.join(there, '@vendor-server', name));
  }
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: ROOT, maxBuffer: MAX_OUTPUT });
  return stdout.trim();
}
