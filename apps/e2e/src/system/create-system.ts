import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createTestDatabase, type TestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { type Caller, createCaller } from './create-caller.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

type Environment = Readonly<Record<string, string>>;

export interface ListeningProcess extends RunningProcess {
  /** Without a slash at the end. */
  readonly url: string;
}

export interface SystemOptions {
  /** Null: the queue lives in PostgreSQL. */
  readonly redisUrl: string | null;
  /** Settings of every process, on top of what they cannot do without. */
  readonly env?: Environment;
  /** Default: a new one on the server of all tests. Dropped with the system. */
  readonly subject?: TestDatabase;
}

/** The real processes on a database of their own. Whoever makes one ends it with `stop`. */
export interface System {
  readonly database: Database;
  readonly databaseUrl: string;
  /** Everything that must never be seen in a log, besides what is made at run time. */
  readonly secrets: readonly string[];
  readonly adminKey: string;
  readonly operator: Caller;
  readonly partner: Caller;
  /** Every process that was started, oldest first. */
  readonly processes: readonly RunningProcess[];
  /** Of the API that was started last. */
  apiUrl(): string;
  /**
   * Starts one more API and waits until it is ready. Callers call the one that was started last.
   * @param program the file of another version's
   */
  startApi(env?: Environment, program?: string): Promise<ListeningProcess>;
  /** Starts one more worker and waits until it runs. @param program as of an API */
  startWorker(env?: Environment, program?: string): Promise<ListeningProcess>;
  /** Ends what still runs, and drops the database. Throws when a process had ended by itself or does not stop. */
  stop(): Promise<void>;
}

/** Takes a second where nothing else runs, and many on a machine that is busy with other tests. */
const START_LIMIT_MS = 60_000;

const ENTRY_FILES = {
  api: fileURLToPath(import.meta.resolve('@vendor-server/api/main.ts')),
  worker: fileURLToPath(import.meta.resolve('@vendor-server/worker/main.ts')),
};

export async function createSystem({ redisUrl, env = {}, subject: given }: SystemOptions): Promise<System> {
  const subject = given ?? (await createTestDatabase());
  // Random from their first character to their last: a few of them in a log are a part of the secret, not of a name.
  const adminKey = randomBytes(24).toString('base64url');
  const partnerSecret = randomBytes(24).toString('base64url');
  const encryptionKey = randomBytes(32).toString('base64');
  const settings: Environment = {
    DATABASE_URL: subject.url,
    ...(redisUrl !== null && { REDIS_URL: redisUrl }),
    // Each process says in its log which port it found.
    PORT: '0',
    ADMIN_API_KEY: adminKey,
    EXTERNAL_VENDOR_SECRET: partnerSecret,
    SECRETS_ENCRYPTION_KEY: encryptionKey,
    ...env,
  };
  const processes: RunningProcess[] = [];
  let apiUrl: string | null = null;

  function start(name: string, ownEnv: Environment, program: string): RunningProcess {
    const started = startProcess({
      name: `${name} ${processes.length + 1}`,
      command: process.execPath,
      args: [program],
      env: { ...settings, ...ownEnv },
    });
    processes.push(started);
    return started;
  }

  const latestApiUrl = () => {
    if (apiUrl === null) throw new Error('No API was started.');
    return apiUrl;
  };

  return {
    database: subject.database,
    databaseUrl: subject.url,
    adminKey,
    secrets: [adminKey, partnerSecret, encryptionKey],
    operator: createCaller(latestApiUrl, { authorization: `Bearer ${adminKey}` }),
    partner: createCaller(latestApiUrl, { 'x-vendor-secret': partnerSecret }),
    processes,
    apiUrl: latestApiUrl,
    async startApi(ownEnv = {}, program = ENTRY_FILES.api) {
      const api = start('api', ownEnv, program);
      const { url } = await waitForStart(api, 'API ready');
      apiUrl = String(url);
      return Object.assign(api, { url: apiUrl });
    },
    async startWorker(ownEnv = {}, program = ENTRY_FILES.worker) {
      const worker = start('worker', ownEnv, program);
      const { port } = await waitForStart(worker, 'Worker ready');
      return Object.assign(worker, { url: `http://127.0.0.1:${String(port)}` });
    },
    async stop() {
      const ends = await Promise.allSettled(processes.map((each) => each.stop()));
      await subject.drop();
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

/** A process that ends instead of starting says why; waiting for its line would only hide that. */
async function waitForStart(started: RunningProcess, msg: string) {
  return Promise.race([
    started.log.waitFor(msg, {}, START_LIMIT_MS),
    started.ended.then((how) => {
      throw new Error(`${started.name} ended while it started (${how}):\n${started.log.text}`);
    }),
  ]);
}
