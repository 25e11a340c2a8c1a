import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { choosePostgresAccount } from './embedded/postgres-account.ts';
import { findPostgresBinaries } from './embedded/postgres-binaries.ts';
import { readPostmasterFile, removeMisleadingPostmasterFile } from './embedded/postmaster-file.ts';
import { POSTGRES_USER, prepareCluster } from './embedded/prepare-cluster.ts';
import {
  type RunningServer,
  runServer,
  type ServerOptions,
  ServerStartError,
} from './embedded/run-server.ts';
import { withClient } from './with-client.ts';

export type EmbeddedPostgres = {
  /** `postgresql://…@127.0.0.1:<port>/vendor_server`, with the password: not for logs. */
  url: string;
  /** Resolves when the server has ended unasked: nobody starts it again. Pending for ever after `stop`. */
  ended: Promise<void>;
  /** Disconnects everybody and shuts down in order. May be called more than once. */
  stop(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  /** The cluster lives in `postgres` under it and is kept between starts. Made when missing. */
  dataDir: string;
  logger?: Pick<Logger, 'info' | 'error'>;
  /**
   * Further settings as in `postgresql.conf`. Tests pass `fsync: 'off'`; everything else keeps the server's
   * defaults, under which a committed change survives a crash of the machine.
   */
  serverSettings?: Readonly<Record<string, string>>;
};

const DATABASE_NAME = 'vendor_server';
/** How long a start waits for the server of a process that has just died to go. */
const TAKEOVER_PATIENCE_MS = 3_000;
/** The same while that server says that it is shutting down. */
const SHUTDOWN_PATIENCE_MS = 30_000;
const RETRY_MS = 100;
const PORT_RETRIES = 3;

/**
 * Starts a real PostgreSQL that belongs to this process: on 127.0.0.1 only, on a free port, with a random
 * password, as another account when this process is root. It ends with this process however that ends.
 *
 * One data directory has one server. The lock is the server's own `postmaster.pid`, which it checks against
 * the live processes and against its shared memory: it survives no crash, and none of ours could be safer.
 *
 * @throws with a sentence a person can act on: no programs for this machine, a directory that cannot be
 *   reached, another server in the same directory
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger, serverSettings = {} } = options;
  const dataDir = path.resolve(options.dataDir);
  const clusterDir = path.join(dataDir, 'postgres');
  await mkdir(dataDir, { recursive: true });
  const account = await choosePostgresAccount(clusterDir);
  const binaries = await findPostgresBinaries(account);
  const durable = serverSettings.fsync !== 'off';
  const cluster = await prepareCluster({ clusterDir, account, binaries, durable });
  if (cluster.dir !== clusterDir) {
    logger?.info({ clusterDir, actualDir: cluster.dir }, 'Embedded PostgreSQL keeps its data elsewhere');
  }

  const server = await runServerWhenFree(
    { program: binaries.postgres, clusterDir: cluster.dir, account, settings: serverSettings },
    dataDir,
  );
  const urlOf = (database: string) =>
    `postgresql://${POSTGRES_USER}:${cluster.password}@127.0.0.1:${server.port}/${database}`;
  try {
    await ensureDatabase(urlOf('postgres'));
  } catch (error) {
    await server.stop();
    throw error;
  }
  logger?.info({ port: server.port, dataDir: cluster.dir }, 'Embedded PostgreSQL started');

  let stopping: Promise<void> | null = null;
  const ended = new Promise<void>((resolve) => {
    void server.ended.then(() => {
      if (stopping !== null) return;
      logger?.error({ dataDir: cluster.dir }, 'Embedded PostgreSQL ended; see its server.log');
      resolve();
    });
  });
  return {
    url: urlOf(DATABASE_NAME),
    ended,
    stop() {
      stopping ??= server.stop();
      return stopping;
    },
  };
}

async function runServerWhenFree(options: ServerOptions, dataDir: string): Promise<RunningServer> {
  const startedAt = performance.now();
  for (let lostPorts = 0; ; ) {
    await removeMisleadingPostmasterFile(options.clusterDir);
    try {
      return await runServer(options);
    } catch (error) {
      if (!(error instanceof ServerStartError)) throw error;
      if (error.log.includes('could not bind') && lostPorts < PORT_RETRIES) {
        lostPorts += 1;
        continue;
      }
      // The second: a server was killed and its children have not noticed yet.
      if (!/lock file "postmaster.pid"|pre-existing shared memory/.test(error.log)) throw error;
      const holder = await readPostmasterFile(options.clusterDir);
      const patience = holder?.status === 'stopping' ? SHUTDOWN_PATIENCE_MS : TAKEOVER_PATIENCE_MS;
      if (performance.now() - startedAt > patience) {
        throw new Error(
          `The database in ${dataDir} is in use by another process (PostgreSQL's process id is ` +
            `${holder?.pid ?? 'unknown'}): stop that one, or set VENDOR_SERVER_DATA_DIR to another directory.`,
          { cause: error },
        );
      }
      await delay(RETRY_MS);
    }
  }
}

async function ensureDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE_NAME]);
    if (rowCount === 0) await client.query(`create database ${DATABASE_NAME}`);
  });
}
