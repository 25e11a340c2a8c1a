import { startEmbeddedPostgres } from '@vendor-server/platform/database/embedded-postgres.ts';
import { migrateDatabase } from '@vendor-server/platform/database/migrate.ts';
import { withClient } from '@vendor-server/platform/database/with-client.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import { createTemporaryDataDir } from '@vendor-server/platform/testing/create-temporary-data-dir.ts';
import { startTestRedis } from '@vendor-server/platform/testing/start-test-redis.ts';
import { withDatabaseName } from '@vendor-server/platform/testing/with-database-name.ts';
import type { Redis } from 'ioredis';
import { type CpuSource, ofServer } from '../measure/cpu-meter.ts';
import type { BenchMeta } from '../result/bench-result.ts';
import { emptyRedis, withRedis } from './with-redis.ts';

/** The database server and the queue's Redis, for the whole run. */
export interface Services {
  /** A database of the server's in which others are created. */
  readonly adminUrl: string;
  /** A migrated database without rows, to be copied. */
  readonly template: string;
  /** Null: the queue lives in PostgreSQL. */
  readonly redisUrl: string | null;
  readonly database: BenchMeta['database'];
  /** Version numbers. */
  readonly versions: { readonly postgres: string; readonly redis?: string };
  /** Of those that were started here. */
  readonly cpu: readonly CpuSource[];
}

/** Several API and worker processes have pools of their own. Everything else is PostgreSQL's default. */
const SERVER_SETTINGS = {
  max_connections: '300',
  // The only way to know to the microsecond when something committed.
  track_commit_timestamp: 'on',
};

export interface ServicesOptions extends Pick<Settings, 'databaseUrl' | 'redisUrl'> {
  /** Also where there is a Redis. */
  readonly isQueueInPostgres: boolean;
  /** Where `redis-server` is looked for. */
  readonly searchPath: string;
}

/**
 * Those of the settings, or some for the time of the run. `synchronous_commit` and `fsync` stay on. A given Redis is empty
 * again afterwards, as it was.
 *
 * @throws when one that was given does not answer, and when the Redis is in use: a worker of the bench would take what is
 *   in it
 */
export async function startServices(lifecycle: Lifecycle, options: ServicesOptions): Promise<Services> {
  const adminUrl = options.databaseUrl ?? (await startDatabase(lifecycle));
  const redisUrl = options.isQueueInPostgres ? null : await findRedis(lifecycle, options);
  const redis = redisUrl === null ? null : await withRedis(redisUrl, describeRedis);
  const cpu: CpuSource[] = [];
  // A process id is worth something on the server's own machine only.
  if (options.databaseUrl === null) cpu.push(ofServer('postgres', await readPostgresPid(adminUrl)));
  if (options.redisUrl === null && redis !== null) cpu.push(ofServer('redis', redis.pid));
  return {
    adminUrl,
    template: await makeTemplate(lifecycle, adminUrl),
    redisUrl,
    database: options.databaseUrl === null ? 'embedded' : 'given',
    versions: {
      postgres: await readPostgresVersion(adminUrl),
      ...(redis !== null && { redis: redis.version }),
    },
    cpu,
  };
}

async function startDatabase(lifecycle: Lifecycle): Promise<string> {
  const dataDir = await lifecycle.start(
    'data directory',
    () => createTemporaryDataDir(),
    (directory) => directory.remove(),
  );
  const { url } = await lifecycle.start(
    'embedded PostgreSQL',
    () => startEmbeddedPostgres({ dataDir: dataDir.path, serverSettings: SERVER_SETTINGS }),
    (postgres) => postgres.stop(),
  );
  return url;
}

/** @returns its address; null where there is none */
async function findRedis(
  lifecycle: Lifecycle,
  { redisUrl, searchPath }: ServicesOptions,
): Promise<string | null> {
  if (redisUrl === null) return startRedis(lifecycle, searchPath);
  return lifecycle.start(
    'given Redis',
    async () => {
      const size = await withRedis(redisUrl, (client) => client.dbsize());
      if (size > 0) throw new Error(`REDIS_URL is in use (${size} keys): name a database that is empty.`);
      return redisUrl;
    },
    emptyRedis,
  );
}

async function startRedis(lifecycle: Lifecycle, searchPath: string): Promise<string | null> {
  const redis = await lifecycle.start(
    'Redis',
    () => startTestRedis(searchPath),
    (started) => started?.stop(),
  );
  return redis?.services.url ?? null;
}

/** @returns a name that no database has by chance */
async function makeTemplate(lifecycle: Lifecycle, adminUrl: string): Promise<string> {
  const name = `vs_bench_${createId()}`;
  await lifecycle.start(
    'template database',
    () => withClient(adminUrl, (client) => client.query(`create database ${name}`)),
    () => withClient(adminUrl, async (client) => void (await client.query(`drop database ${name}`))),
  );
  await migrateDatabase(withDatabaseName(adminUrl, name));
  return name;
}

async function readPostgresVersion(adminUrl: string): Promise<string> {
  return withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      `select current_setting('server_version') as version`,
    );
    return rows[0]?.version ?? '';
  });
}

async function readPostgresPid(adminUrl: string): Promise<number> {
  return withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ pid: string }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    );
    return Number(rows[0]?.pid);
  });
}

/** @returns its version and, on its own machine, its process id */
async function describeRedis(client: Redis): Promise<{ version: string; pid: number }> {
  const info = await client.info('server');
  const read = (field: string) => new RegExp(`^${field}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
  return { version: read('redis_version'), pid: Number(read('process_id')) };
}
