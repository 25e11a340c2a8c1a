import { createDatabase } from '@vendor-server/platform/database/create-database.ts';
import { migrateDatabase } from '@vendor-server/platform/database/migrate.ts';
import { createEmptyTestDatabase, type TestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { vi } from 'vitest';
import { addEndpoints } from '../faults/stage/add-endpoints.ts';
import { createTeller } from '../faults/stage/create-teller.ts';
import { readHistory } from '../faults/stage/read-history.ts';
import { createReceiverScripts } from '../faults/stage/receiver-scripts.ts';
import { walkOrders } from '../faults/stage/walk-orders.ts';
import { checkHistory } from '../history/check-history.ts';
import type { ApiAnswer } from '../history/history.ts';
import { createRandom } from '../history/testing/create-random.ts';
import type { Violation } from '../history/violation.ts';
import { createReceiver } from '../receiver/create-receiver.ts';
import { addVendor } from '../system/add-vendor.ts';
import type { Caller } from '../system/create-caller.ts';
import { createSystem, type ListeningProcess, type System } from '../system/create-system.ts';
import { createBalancer } from './create-balancer.ts';
import { type Release, THIS_RELEASE } from './release.ts';

export interface Deployments {
  /** Each is deployed over the one before it; the first is there from the beginning. */
  readonly releases: readonly [Release, ...Release[]];
  /** Null: the queue lives in PostgreSQL. */
  readonly redisUrl: string | null;
}

export interface Deployed {
  /** Names of migrations, for each release but the first. */
  readonly applied: readonly (readonly string[])[];
  /** Of the whole time, from before the first migration until everything was replaced. */
  readonly answers: readonly ApiAnswer[];
  readonly violations: readonly Violation[];
  /** Oldest first. */
  readonly workers: readonly ListeningProcess[];
}

/** Nobody shall fail because this machine has much to do. */
const TIMEOUT_MS = 10_000;
const WALKERS = 3;
const PAUSE_MS = 80;
/** Promised in each phase of a deployment, so that there is something under way in all of them. */
const CHANGES_PER_PHASE = 25;
const COMES_TO_REST_WITHIN_MS = 30_000;

/**
 * Deploys releases as the operators' guide says, while orders change all the time: migrations first, then a new worker
 * and a new API beside the old ones, then the old ones away, the API taken from the balancer before it is told to stop.
 * Only an API of the release before is drained, which would cut off who has just connected: this one is to do without.
 *
 * Each call of the API has a connection of its own. On one that is kept, a request may cross the word of a server that
 * closes it: whoever keeps connections asks again on a new one, as browsers, proxies and their like do.
 */
export async function deploy({ releases: [first, ...others], redisUrl }: Deployments): Promise<Deployed> {
  const subject = await createDatabaseOf(first);
  const [receiver, balancer] = await Promise.all([createReceiver(), createBalancer()]);
  const scripts = createReceiverScripts(receiver);
  const system = await createSystem({ redisUrl, subject, env: { RATE_LIMIT_PER_MINUTE: '0' } });
  const ending = new AbortController();
  const { signal } = ending;
  let load: Promise<unknown> = Promise.resolve();

  const startApi = ({ programs, env }: Release) => system.startApi(env, programs.api);
  const startWorker = ({ programs, env }: Release) => system.startWorker(env, programs.worker);

  try {
    let [api, worker] = await Promise.all([startApi(first), startWorker(first)]);
    balancer.add(api.url);
    const behind: System = { ...system, apiUrl: () => balancer.url };
    const endpoints = await addEndpoints(behind, receiver.url, TIMEOUT_MS);
    const vendor = withoutKeepAlive(await addVendor(behind));
    const customerServers = [...new Set(endpoints.map(({ customerServer }) => customerServer))].map(
      withoutKeepAlive,
    );
    const teller = createTeller();
    load = Promise.all(
      Array.from({ length: WALKERS }, (_, seed) =>
        walkOrders({
          teller,
          customerServers,
          vendor,
          random: createRandom(seed),
          pauseMs: PAUSE_MS,
          signal,
        }),
      ),
    );
    const nextPhase = () => waitForMore(() => teller.promised);

    const applied: string[][] = [];
    const workers = [worker];
    let running = first;
    for (const release of others) {
      await nextPhase();
      applied.push(await migrateDatabase(subject.url, { migrationsDir: release.migrationsDir }));
      await nextPhase();
      const [newApi, newWorker] = await Promise.all([startApi(release), startWorker(release)]);
      balancer.add(newApi.url);
      await nextPhase();
      await worker.stop();
      balancer.remove(api.url);
      if (running.programs.api !== THIS_RELEASE.programs.api) await balancer.drain(api.url);
      await api.stop();
      [api, worker, running] = [newApi, newWorker, release];
      workers.push(worker);
    }
    await nextPhase();
    ending.abort();
    await load;
    await waitUntilAtRest(system);
    const history = await readHistory({ system, redisUrl, receiver, scripts, endpoints, teller }, []);
    return { applied, answers: teller.answers, violations: checkHistory(history), workers };
  } finally {
    ending.abort();
    await load.catch(() => undefined);
    await system.stop();
    await balancer.close();
    await receiver.close();
  }
}

async function createDatabaseOf({ migrationsDir }: Release): Promise<TestDatabase> {
  const { url, drop } = await createEmptyTestDatabase();
  await migrateDatabase(url, { migrationsDir });
  const database = createDatabase({ url, applicationName: 'test', maxConnections: 10 });
  return { url, database, drop: () => database.close().then(drop) };
}

function withoutKeepAlive<Any extends Caller>(caller: Any): Any {
  return {
    ...caller,
    call: (method, path, options = {}) =>
      caller.call(method, path, { ...options, headers: { ...options.headers, connection: 'close' } }),
  };
}

function waitForMore(count: () => number): Promise<void> {
  const enough = count() + CHANGES_PER_PHASE;
  return vi.waitFor(
    () => {
      if (count() < enough) throw new Error(`There were ${count()} changes and not ${enough}.`);
    },
    { timeout: 60_000, interval: 10 },
  );
}

function waitUntilAtRest({ database }: System): Promise<void> {
  return vi.waitFor(
    async () => {
      const { rowCount } = await database.pool.query('select from deliveries where finished_at is null');
      if (rowCount !== 0) throw new Error(`${rowCount} deliveries are still open.`);
    },
    { timeout: COMES_TO_REST_WITHIN_MS, interval: 50 },
  );
}
