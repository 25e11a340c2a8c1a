import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';

/** The operating system account PostgreSQL runs as; null means the account of this process. */
export type PostgresAccount = { uid: number; gid: number } | null;

/**
 * PostgreSQL refuses to run as root. A root process therefore runs it as the owner of the data it already
 * has, else as `postgres` where that account exists, else as `nobody`: no account is added to the machine.
 *
 * @param clusterDir where the data is or will be
 * @throws when the data belongs to an account this process cannot take
 */
export async function choosePostgresAccount(clusterDir: string): Promise<PostgresAccount> {
  const owner = await stat(clusterDir).catch(() => null);
  const ownUid = process.getuid?.();
  if (ownUid !== 0) {
    if (owner !== null && owner.uid !== ownUid) {
      throw new Error(
        `The data of the embedded PostgreSQL in ${clusterDir} belongs to user id ${owner.uid}: run this as that ` +
          'user or as root, or set VENDOR_SERVER_DATA_DIR to another directory.',
      );
    }
    return null;
  }
  if (owner !== null && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8'));
  const account = accounts.get('postgres') ?? accounts.get('nobody');
  if (account === undefined) {
    throw new Error(
      'PostgreSQL does not run as root, and this machine has neither a "postgres" nor a "nobody" account to run ' +
        'it as: start this as another user, or set DATABASE_URL.',
    );
  }
  return account;
}

function parseAccounts(passwd: string): Map<string, { uid: number; gid: number }> {
  const accounts = new Map<string, { uid: number; gid: number }>();
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name !== undefined && uid !== undefined && gid !== undefined) {
      accounts.set(name, { uid: Number(uid), gid: Number(gid) });
    }
  }
  return accounts;
}

/** What `spawn` needs to run something as that account, with nothing of our environment in it. */
export function spawnAs(account: PostgresAccount): {
  cwd: string;
  env: Record<string, string>;
  uid?: number;
  gid?: number;
} {
  // PGPORT, PGDATA and the like would change what PostgreSQL does; our secrets are none of its business. LC_ALL
  // is needed on macOS and fixes the language of what is read back.
  return { cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }, ...account };
}

/** Whether that account can enter the directory, parents included. The kernel is asked, not the mode bits. */
export async function canEnter(account: PostgresAccount, directory: string): Promise<boolean> {
  const child = spawn('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], {
    ...spawnAs(account),
    stdio: 'ignore',
  });
  const exit = await once(child, 'exit');
  return exit[0] === 0;
}
