import path from 'node:path';
import { createDatabase } from '@vendor-server/platform/database/create-database.ts';
import { choosePostgresAccount } from '@vendor-server/platform/database/embedded/postgres-account.ts';
import { findPostgresBinaries } from '@vendor-server/platform/database/embedded/postgres-binaries.ts';
import { readPostmasterFile } from '@vendor-server/platform/database/embedded/postmaster-file.ts';
import { POSTGRES_USER, prepareCluster } from '@vendor-server/platform/database/embedded/prepare-cluster.ts';
import { type RunningServer, runServer } from '@vendor-server/platform/database/embedded/run-server.ts';
import { migrateDatabase } from '@vendor-server/platform/database/migrate.ts';
import { findFreePort } from '@vendor-server/platform/network/find-free-ports.ts';
import { createTemporaryDataDir } from '@vendor-server/platform/testing/create-temporary-data-dir.ts';
import type { TestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { listChildren } from './list-children.ts';

/** A PostgreSQL for one test, which may do to it what it likes (Linux). What has committed survives all of it. */
export interface PrivatePostgres {
  /** Its one database, migrated; `drop` ends the server, too, and removes its data. */
  readonly subject: TestDatabase;
  /** SIGQUIT, "immediate shutdown": every connection is cut, and the next start recovers from the log. */
  crash(): Promise<void>;
  /** After `crash`, where it was. */
  start(): Promise<void>;
  /** SIGSTOP to all its processes: connections stay open, new ones are taken, and nothing is answered. */
  hang(): Promise<void>;
  resume(): Promise<void>;
}

/** Committed is committed when the server dies, though not when the machine does: no test waits for a disk. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'on', max_connections: '300' };

/** A process that served a connection may have ended since it was listed. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Started and migrated. */
export async function createPrivatePostgres(): Promise<PrivatePostgres> {
  const dataDir = await createTemporaryDataDir();
  const clusterDir = path.join(dataDir.path, 'postgres');
  const account = await choosePostgresAccount(clusterDir);
  const binaries = await findPostgresBinaries(account);
  const cluster = await prepareCluster({ clusterDir, account, binaries, durable: false });
  const port = await findFreePort();
  let server: RunningServer;

  async function start(): Promise<void> {
    server = await runServer({
      program: binaries.postgres,
      clusterDir: cluster.dir,
      account,
      // The same at every start, instead of a free one.
      settings: { ...SETTINGS, port: String(port) },
    });
  }

  async function postmasterPid(): Promise<number> {
    const file = await readPostmasterFile(cluster.dir);
    if (file === null) throw new Error('PostgreSQL does not run.');
    return file.pid;
  }

  /** The first among them takes new connections and starts a process for each. */
  async function signalAll(signal: NodeJS.Signals): Promise<void> {
    const postmaster = await postmasterPid();
    process.kill(postmaster, signal);
    for (const pid of await listChildren(postmaster)) signalIfThere(pid, signal);
  }

  await start();
  const url = `postgresql://${POSTGRES_USER}:${cluster.password}@127.0.0.1:${port}/postgres`;
  await migrateDatabase(url);
  const database = createDatabase({ url, applicationName: 'test', maxConnections: 10 });
  return {
    subject: {
      url,
      database,
      async drop() {
        await database.close();
        await server.stop();
        await dataDir.remove();
      },
    },
    async crash() {
      process.kill(await postmasterPid(), 'SIGQUIT');
      await server.ended;
    },
    start,
    hang: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
  };
}
