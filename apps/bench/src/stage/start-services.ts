import { startEmbeddedPostgres } from '@vendor-server/platform/database/embedded-postgres.ts';
import { migrateDatabase } from '@vendor-server/platform/database/migrate.ts';
import { withClient } from '@vendor-server/platform/database/with-client.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import { createTemporaryDataDir } from '@vendor-server/platform/testing/create-temporary-data-dir.ts';
import { startTestRedis } from '@vendor-server/platform/testing/start-test-redis.ts';
import { withDatabaseName } from '@vendor-server/platform/testing/with-database-name.ts';
import { Redis } from 'ioredis';
import { type CpuSource, ofServer } from '../measure/cpu-meter.ts';
import type { BenchMeta } from '../result/bench-result.ts';

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

/**
 * Those of the settings, or some for the time of the run. `synchronous_commit` and `fsync` stay on.
 *
 * @param searchPath where `redis-server` is looked for
 * @throws when REDIS_URL is in use: a worker of the bench would take what is in it
 */
export async function startServices(
  lifecycle: Lifecycle,
  settings: Pick<Settings, 'databaseUrl' | 'redisUrl'>,
  searchPath: string,
): Promise<Services> {
  const adminUrl = settings.databaseUrl ?? (await startDatabase(lifecycle));
  const redisUrl = settings.redisUrl ?? (await startRedis(lifecycle, searchPath));
  const postgres = await describePostgres(adminUrl);
  const redis = redisUrl === null ? null : await describeRedis(redisUrl);
  const cpu: CpuSource[] = [];
  // A process id is worth something on the server's own machine only.
  if (settings.databaseUrl === null) cpu.push(ofServer('postgres', postgres.pid));
  if (settings.redisUrl === null && redis !== null) cpu.push(ofServer('redis', redis.pid));
  return {
    adminUrl,
    template: await makeTemplate(lifecycle, adminUrl),
    redisUrl,
    database: settings.databaseUrl === null ? 'embedded' : 'given',
    versions: { postgres: postgres.version, ...(redis !== null && { redis: redis.version }) },
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

interface Server {
  readonly version: string;
  /** On its own machine, which need not be this one. */
  readonly pid: number;
}

async function describePostgres(adminUrl: string): Promise<Server> {
  return withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ version: string; pid: string }>(
      `select current_setting('server_version') as version,
              split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    );
    return { version: rows[0]?.version ?? '', pid: Number(rows[0]?.pid) };
  });
}

async function describeRedis(url: string): Promise<Server> {
  const client = new Redis(url);
  try {
    const size = await client.dbsize();
    if (size > 0) throw new Error(`REDIS_URL is in use (${size} keys): name a database that is empty.`);
    const info = await client.info('server');
    const read = (field: string) => new RegExp(`^${field}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
    return { version: read('redis_version'), pid: Number(read('process_id')) };
  } finally {
    client.disconnect();
  }
}
