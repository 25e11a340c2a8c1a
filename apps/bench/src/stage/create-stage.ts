import { randomBytes } from 'node:crypto';
import { startProcess } from '@vendor-server/cli/start/start-process.ts';
import { waitUntilAnswering } from '@vendor-server/cli/start/wait-until-answering.ts';
import { addCustomerServers, type CustomerServer } from '@vendor-server/e2e/system/add-customer-server.ts';
import { addVendor, type TestVendor } from '@vendor-server/e2e/system/add-vendor.ts';
import { type Caller, createCaller } from '@vendor-server/e2e/system/create-caller.ts';
import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import { withClient } from '@vendor-server/platform/database/with-client.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { Lifecycle } from '@vendor-server/platform/lifecycle/lifecycle.ts';
import { findFreePorts } from '@vendor-server/platform/network/find-free-ports.ts';
import { withDatabaseName } from '@vendor-server/platform/testing/with-database-name.ts';
import { type CpuSource, ofProcess } from '../measure/cpu-meter.ts';
import type { PeerCalls } from '../peers/peer-calls.ts';
import type { ReceiverCalls } from '../peers/receiver-calls.ts';
import { type Peer, startPeer } from '../peers/start-peer.ts';
import { fillBacklog, openEndpoints, setEndpointState } from './backlog.ts';
import { buildProductionEnv } from './production-env.ts';
import { endDeliveries, settleStage } from './settle-stage.ts';
import type { Services } from './start-services.ts';

/** The system as production runs it, customers' servers and vendors, on a database of its own. */
export interface Stage {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  apiUrl(): string;
  readonly operator: Caller;
  /** Takes all webhooks: each customer server's endpoint is a path of it. */
  readonly receiver: Peer<ReceiverCalls> & { readonly port: number };
  readonly customerServers: readonly CustomerServer[];
  /** Others, whose endpoints are paused: their changes are recorded, and nobody is told. None unless asked for. */
  readonly silentCustomerServers: readonly CustomerServer[];
  /** Online for as long as the stage lasts, and offered every order. */
  readonly vendors: readonly TestVendor[];
  /** Starts one more worker, to be stopped by the caller or with the stage. */
  startWorker(env?: Readonly<Record<string, string>>): Promise<StageProcess>;
  /** One more process beside ours, stopped with the stage. @param url of its module */
  startPeer<Calls extends PeerCalls>(name: string, url: URL): Promise<Peer<Calls>>;
  /** Of the database server, the queue and the API; whoever starts more adds theirs. */
  readonly cpu: readonly CpuSource[];
  /** Ends what is open, so that a round can begin. No worker may run, for the queue is emptied. */
  readonly settle: () => Promise<void>;
  /** Ends what is open of the silent ones. */
  readonly settleSilent: () => Promise<void>;
}

export interface StageProcess {
  readonly pid: number;
  /** Without a slash at the end. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface StageOptions {
  /** Each with one endpoint. */
  readonly customerServers: number;
  readonly silentCustomerServers?: number;
  readonly vendors: number;
  /** Changes that were delivered before, four for each order: plans are made for tables that hold something. */
  readonly history: number;
  /** Settings of API and workers, besides those that production needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Null for the queue in PostgreSQL although there is a Redis. Default: as the services have it. */
  readonly redisUrl?: string | null;
}

export type CreateStage = (options: StageOptions) => Promise<Stage>;

const READY_LIMIT_MS = 60_000;
/** Of the bench itself. */
const MAX_CONNECTIONS = 4;
const MAIN_FILES = {
  api: new URL(import.meta.resolve('@vendor-server/api/main.ts')),
  worker: new URL(import.meta.resolve('@vendor-server/worker/main.ts')),
};
/** The module of the process that takes webhooks. */
export const RECEIVER = new URL('../peers/receiver.ts', import.meta.url);

export interface StageDeps {
  readonly lifecycle: Lifecycle;
  readonly services: Services;
  /** Where processes look for programs. */
  readonly searchPath: string;
  /** Settings of every API and worker, whatever the stage. */
  readonly env: Readonly<Record<string, string>>;
  /** An open file that all processes log to, as production's do to a pipe. */
  readonly output: number;
}

/** Everything that is started is stopped by the lifecycle, the last first. */
export async function createStage(deps: StageDeps, options: StageOptions): Promise<Stage> {
  const { lifecycle, services } = deps;
  const { redisUrl = services.redisUrl } = options;
  const databaseUrl = await copyTemplate(lifecycle, services);
  const database = await lifecycle.start(
    'database pool',
    () => createDatabase({ url: databaseUrl, applicationName: 'bench', maxConnections: MAX_CONNECTIONS }),
    (started) => started.close(),
  );
  const adminKey = randomBytes(24).toString('base64url');
  const env = {
    ...buildProductionEnv({ searchPath: deps.searchPath, databaseUrl, redisUrl, adminKey }),
    ...deps.env,
    ...options.env,
  };
  const start = (name: keyof typeof MAIN_FILES, ownEnv = {}) => startMain(deps, name, { ...env, ...ownEnv });
  const startPeerHere: Stage['startPeer'] = (name, url) =>
    lifecycle.start(
      name,
      () => startPeer({ name, url, env: { PATH: deps.searchPath }, output: deps.output }),
      (peer) => peer.stop(),
    );

  const receiver = await startPeerHere<ReceiverCalls>('receiver', RECEIVER);
  const port = await receiver.call('listen', { hangs: false });
  const api = await start('api');
  const operator = createCaller(() => api.url, { authorization: `Bearer ${adminKey}` });
  const administered = { operator, apiUrl: () => api.url };
  const customerServers = await addCustomerServers(
    administered,
    options.customerServers,
    (n) => `http://127.0.0.1:${port}/${n}`,
  );
  const silentCustomerServers = await addCustomerServers(
    administered,
    options.silentCustomerServers ?? 0,
    (n) => `http://127.0.0.1:${port}/silent/${n}`,
  );
  await setEndpointState(database.pool, silentCustomerServers, 'paused');
  const vendors: TestVendor[] = [];
  while (vendors.length < options.vendors) vendors.push(await addVendor(administered));
  // Vendors renew it every minute; a bench has better things to do.
  await database.pool.query(`update vendors set online_until = now() + interval '1 day'`);
  const settle = () => settleStage(database.pool, [...customerServers, ...silentCustomerServers], redisUrl);
  if (options.history > 0) {
    await fillBacklog(database.pool, customerServers, options.history);
    await settle();
    await openEndpoints(database.pool, customerServers);
  }
  await database.pool.query('vacuum analyze');
  return {
    database,
    databaseUrl,
    redisUrl,
    ...administered,
    receiver: { ...receiver, port },
    customerServers,
    silentCustomerServers,
    vendors,
    cpu: [...services.cpu, ofProcess('api', api.pid), ofProcess('receiver', receiver.pid)],
    startWorker: (ownEnv) => start('worker', ownEnv),
    startPeer: startPeerHere,
    settle,
    settleSilent: () => endDeliveries(database.pool, silentCustomerServers),
  };
}

/** @returns the address of a new database */
async function copyTemplate(lifecycle: Lifecycle, { adminUrl, template }: Services): Promise<string> {
  const name = `${template}_${createId()}`;
  await lifecycle.start(
    'database',
    () => withClient(adminUrl, (client) => client.query(`create database ${name} template ${template}`)),
    () =>
      withClient(adminUrl, async (client) => void (await client.query(`drop database ${name} with (force)`))),
  );
  return withDatabaseName(adminUrl, name);
}

/** A process as production starts it; resolves when it answers. */
async function startMain(
  { lifecycle, output }: StageDeps,
  name: keyof typeof MAIN_FILES,
  env: NodeJS.ProcessEnv,
): Promise<StageProcess> {
  const [port = 0, workerPort = 0] = await findFreePorts(2);
  const running = await lifecycle.start(
    name,
    () =>
      startProcess({
        name,
        url: MAIN_FILES[name],
        env: { ...env, PORT: String(port), WORKER_PORT: String(workerPort) },
        output,
      }),
    (started) => started.stop(),
  );
  const url = `http://127.0.0.1:${name === 'api' ? port : workerPort}`;
  await waitUntilAnswering(running, {
    url: `${url}/${name === 'api' ? 'readyz' : 'livez'}`,
    timeoutMs: READY_LIMIT_MS,
    signal: lifecycle.stopping,
  });
  return { pid: running.child.pid ?? 0, url, stop: () => running.stop() };
}
