import { startEmbeddedPostgres } from '@vendor-server/platform/database/embedded-postgres.ts';
import { migrateDatabase } from '@vendor-server/platform/database/migrate.ts';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import type { Exit } from '@vendor-server/platform/lifecycle/run-process.ts';
import type { createLogger } from '@vendor-server/platform/logging/create-logger.ts';
import { findFreePorts } from '@vendor-server/platform/network/find-free-ports.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import { isPortTaken } from './is-port-taken.ts';
import type { RunningProcess } from './start-process.ts';
import { startProcess } from './start-process.ts';
import { waitUntilAnswering } from './wait-until-answering.ts';

const READY_TIMEOUT_MS = 60_000;

export interface SystemOptions {
  settings: Settings;
  /** The environment that `settings` were read from; the processes get it with what is decided here. */
  env: NodeJS.ProcessEnv;
  logger: ReturnType<typeof createLogger>;
  /** Where the processes write, see `startProcess`. */
  output: 'inherit' | number;
  /** Called when one of the processes or the database ends by itself: the rest is no use without it. */
  exit: Exit;
}

export interface RunningSystem {
  /** Without a slash at the end. */
  apiUrl: string;
  workerUrl: string;
}

/**
 * Starts everything in order: the embedded PostgreSQL unless DATABASE_URL is set, migrations, then the API and
 * the worker as processes of their own. Resolves when the API takes orders and the worker is up; whether the
 * worker reaches its queue is for its `/readyz` to say. The lifecycle stops everything in reverse.
 */
export async function startSystem(lifecycle: Lifecycle, options: SystemOptions): Promise<RunningSystem> {
  const { settings, logger, exit } = options;
  const { port, workerPort } = await choosePorts(settings);
  const databaseUrl = settings.databaseUrl ?? (await startDatabase(lifecycle, options));
  await lifecycle.start('migrations', () =>
    migrateDatabase(databaseUrl, { report: (line) => logger.warn(line) }),
  );
  const env = toProcessEnv(options, { databaseUrl, port, workerPort });
  const processes = await lifecycle.start(
    'processes',
    () => [
      startProcess({
        name: 'api',
        url: new URL(import.meta.resolve('@vendor-server/api/main.ts')),
        env,
        output: options.output,
      }),
      startProcess({
        name: 'worker',
        url: new URL(import.meta.resolve('@vendor-server/worker/main.ts')),
        env,
        output: options.output,
      }),
    ],
    stopProcesses,
  );
  for (const { name, ended } of processes) {
    void ended.then((how) => {
      if (lifecycle.stopping.aborted) return;
      logger.fatal({ process: name, how }, 'A process ended; stopping the others');
      exit(`the ${name} process ended`, 1);
    });
  }

  const apiUrl = toUrl(settings.host, port);
  const workerUrl = toUrl(settings.host, workerPort);
  const urls = [`${apiUrl}/readyz`, `${workerUrl}/livez`];
  await Promise.all(
    processes.map((running, index) =>
      waitUntilAnswering(running, {
        url: urls[index] ?? '',
        timeoutMs: READY_TIMEOUT_MS,
        signal: lifecycle.stopping,
      }),
    ),
  );
  return { apiUrl, workerUrl };
}

async function startDatabase(
  lifecycle: Lifecycle,
  { settings, logger, exit }: SystemOptions,
): Promise<string> {
  const { url, ended } = await lifecycle.start(
    'embedded PostgreSQL',
    () => startEmbeddedPostgres({ dataDir: settings.dataDir, logger }),
    (postgres) => postgres.stop(),
  );
  void ended.then(() => {
    if (lifecycle.stopping.aborted) return;
    logger.fatal('The embedded PostgreSQL ended; stopping the processes that use it');
    exit('the embedded PostgreSQL ended', 1);
  });
  return url;
}

/**
 * Port 0 means a free one, which has to be known here: the addresses are printed.
 * @throws Error when a port that was asked for is taken.
 */
async function choosePorts(settings: Settings): Promise<{ port: number; workerPort: number }> {
  const [freePort = 0, freeWorkerPort = 0] = await findFreePorts(2);
  const asked = { PORT: settings.port, WORKER_PORT: settings.workerPort };
  for (const [name, port] of Object.entries(asked)) {
    if (port !== 0 && (await isPortTaken(settings.host, port))) {
      throw new Error(
        `Somebody listens on ${settings.host}:${port} already: stop that, or set ${name} to another port.`,
      );
    }
  }
  return { port: settings.port || freePort, workerPort: settings.workerPort || freeWorkerPort };
}

function toProcessEnv(
  { env, settings }: SystemOptions,
  { databaseUrl, port, workerPort }: { databaseUrl: string; port: number; workerPort: number },
): NodeJS.ProcessEnv {
  return {
    ...env,
    DATABASE_URL: databaseUrl,
    PORT: String(port),
    WORKER_PORT: String(workerPort),
    // Their default depends on whether the database is embedded, which the processes cannot see any more.
    ...(settings.logFile !== null && { LOG_FILE: settings.logFile }),
  };
}

/** Together: both finish their work in flight, and neither needs the other for it. */
async function stopProcesses(processes: readonly RunningProcess[]): Promise<void> {
  await Promise.all(processes.map((running) => running.stop()));
}

function toUrl(host: string, port: number): string {
  // Listening on every address is not an address to call.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
