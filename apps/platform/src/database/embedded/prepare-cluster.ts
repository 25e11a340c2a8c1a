import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { canEnter, type PostgresAccount, spawnAs } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { ensureSharedStateDir, SHARED_STATE_DIR } from './shared-state-dir.ts';

/** The name of the superuser, whose random password is kept inside the cluster. */
export const POSTGRES_USER = 'vendor_server';
const PASSWORD_FILE = 'vendor-server-password';

export type Cluster = { dir: string; password: string };

export type ClusterOptions = {
  /** Where the cluster is to be, e.g. `.data/postgres`. Its parent exists. */
  clusterDir: string;
  account: PostgresAccount;
  binaries: PostgresBinaries;
  /** False leaves it to the operating system when the new files reach the disk. */
  durable: boolean;
};

/**
 * The cluster at `clusterDir`, made by `initdb` when there is none.
 *
 * A new one, password included, is made beside its place and moved there when it is complete. So a crash
 * leaves none that is half made, and of two processes that make one at once the first wins and the second
 * finds it. When PostgreSQL's account cannot enter `clusterDir`'s parents, the data goes to a directory of
 * the system's and `clusterDir` becomes a link to it: removing the link starts afresh.
 *
 * @throws when initdb fails, or when an existing cluster cannot be entered by its account
 */
export async function prepareCluster(options: ClusterOptions): Promise<Cluster> {
  const { clusterDir, account } = options;
  if ((await lstat(clusterDir).catch(() => null)) === null) await makeCluster(options);
  const dir = await realpath(clusterDir);
  if (!(await canEnter(account, dir))) {
    throw new Error(
      `The account PostgreSQL runs as (user id ${account?.uid ?? process.getuid?.()}) cannot enter ${dir}: open ` +
        'its parent directories, or set VENDOR_SERVER_DATA_DIR to a directory it can reach.',
    );
  }
  const password = await readFile(path.join(dir, PASSWORD_FILE), 'utf8').catch((cause: unknown) => {
    throw new Error(`${clusterDir} holds no database made by this program; move it away.`, { cause });
  });
  return { dir, password };
}

async function makeCluster({ clusterDir, account, binaries, durable }: ClusterOptions): Promise<void> {
  const reachable = await canEnter(account, path.dirname(clusterDir));
  if (!reachable) await ensureSharedStateDir();
  const dir = await mkdtemp(reachable ? `${clusterDir}-` : path.join(SHARED_STATE_DIR, 'postgres-'));
  try {
    await initialize(dir, account, binaries, durable);
    if (reachable) await rename(dir, clusterDir);
    else await symlink(dir, clusterDir);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    const winner = await lstat(clusterDir).catch(() => null);
    if (winner === null) throw error;
  }
}

async function initialize(
  dir: string,
  account: PostgresAccount,
  binaries: PostgresBinaries,
  durable: boolean,
): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  // initdb wants an empty directory, so the password waits beside it.
  const passwordFile = `${dir}.password`;
  const keptPasswordFile = path.join(dir, PASSWORD_FILE);
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account !== null) {
      await chown(dir, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    await promisify(execFile)(
      binaries.initdb,
      [
        `--pgdata=${dir}`,
        `--username=${POSTGRES_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The collation that is the same on every operating system.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(durable ? [] : ['--no-sync']),
      ],
      spawnAs(account),
    );
    await rename(passwordFile, keptPasswordFile);
  } finally {
    await rm(passwordFile, { force: true });
  }
}
