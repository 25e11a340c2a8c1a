import { setTimeout as delay } from 'node:timers/promises';
import { vi } from 'vitest';
import { createRandom } from '../../history/testing/create-random.ts';
import { createReceiver, type Receiver } from '../../receiver/create-receiver.ts';
import { addVendor } from '../../system/add-vendor.ts';
import { createPrivatePostgres, type PrivatePostgres } from '../../system/create-private-postgres.ts';
import { createPrivateRedis, type PrivateRedis } from '../../system/create-private-redis.ts';
import { createSystem, type System } from '../../system/create-system.ts';
import { readHealth } from '../../system/read-health.ts';
import type { QueueBackend } from '../queue-backend.ts';
import { createWires, type Wires } from '../tools/create-wires.ts';
import { addEndpoints, type StageEndpoint } from './add-endpoints.ts';
import { createRole, type Role, type StagedProcess } from './create-role.ts';
import { createTeller, type Teller } from './create-teller.ts';
import { calm, disturb } from './disturb.ts';
import { createReceiverScripts, type ReceiverScripts } from './receiver-scripts.ts';
import { walkOrders } from './walk-orders.ts';

export interface FaultStageOptions {
  readonly backend: QueueBackend;
  readonly seed: number;
  /** How long something that hangs does so, at most. */
  readonly longestHangMs: number;
  readonly walkers: number;
  /** Of each walker between two changes, on average. */
  readonly pauseMs: number;
}

/** A system under steady load, to do something to. Whoever makes one ends it with `close`. */
export interface FaultStage {
  readonly system: System;
  readonly backend: QueueBackend;
  readonly redisUrl: string | null;
  /** A Redis of the stage's own; null when the queue lives in PostgreSQL. */
  readonly redis: PrivateRedis | null;
  /** The stage's own, too. */
  readonly postgres: PrivatePostgres;
  /** One that runs when a fault begins, and when it ends. */
  readonly apis: Role;
  /** As the APIs. */
  readonly workers: Role;
  readonly receiver: Receiver;
  readonly scripts: ReceiverScripts;
  readonly endpoints: readonly StageEndpoint[];
  readonly teller: Teller;
  /** How long a fault hangs that lasts so long in the full form. */
  hangMs(fullMs: number): number;
  /** Waits until so many more changes were promised. */
  waitForChanges(count: number): Promise<void>;
  /** Waits until every process says that it is ready. */
  waitForRecovery(): Promise<void>;
  /** Waits, that long at most, until what has gathered for the endpoints that are always there has gone out. */
  waitForCatchUp(withinMs: number): Promise<void>;
  /** Ends the load, and waits until nothing is open. @returns how long that took, in ms, and what is left */
  comeToRest(withinMs: number): Promise<{ readonly tookMs: number; readonly left: number }>;
  close(): Promise<void>;
}

const RECOVERS_WITHIN_MS = 60_000;
/** Endpoints that nobody pauses or deletes, and whose receivers accept everything. */
const ALWAYS_THERE = ['/wide', '/narrow'];
/** Of these is on its way at any moment, by the load. */
const UNDER_WAY = 20;
/** Of the log of a process that ended by itself: enough to see why. */
const MAX_SHOWN = 4_000;
/** Between two disturbances, on average. */
const DISTURBED_EVERY_MS = 250;

export async function createFaultStage(options: FaultStageOptions): Promise<FaultStage> {
  const random = createRandom(options.seed);
  const redis = options.backend === 'redis' ? await createPrivateRedis() : null;
  await redis?.start();
  const redisUrl = redis?.url ?? null;
  const receiver = await createReceiver();
  const postgres = await createPrivatePostgres();
  const system = await createSystem({
    redisUrl,
    subject: postgres.subject,
    env: { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_VENDOR_PER_MINUTE: '0', LOG_LEVEL: 'info' },
  });
  const allWires: Wires[] = [];
  const startOnWires = async (start: System['startApi'], env: Readonly<Record<string, string>> = {}) => {
    const wires = await createWires(system.databaseUrl, redisUrl);
    allWires.push(wires);
    return Object.assign(await start({ ...wires.env, ...env }), { wires });
  };
  const apis = createRole('API', (env) => startOnWires(system.startApi, env));
  const workers = createRole('worker', (env) => startOnWires(system.startWorker, env));
  await Promise.all([apis.start(), workers.start()]);

  const [endpoints, vendor] = await Promise.all([addEndpoints(system, receiver.url), addVendor(system)]);
  const scripts = createReceiverScripts(receiver);
  const teller = createTeller();
  const ending = new AbortController();
  const { signal } = ending;
  const customerServers = [...new Set(endpoints.map(({ customerServer }) => customerServer))];
  const load = Promise.all([
    disturb({
      system,
      receiver,
      scripts,
      endpoints,
      vendor,
      teller,
      random: createRandom(random.below(2 ** 32)),
      signal,
      pauseMs: DISTURBED_EVERY_MS,
    }),
    ...Array.from({ length: options.walkers }, () =>
      walkOrders({
        teller,
        customerServers,
        vendor,
        random: createRandom(random.below(2 ** 32)),
        pauseMs: options.pauseMs,
        signal,
      }),
    ),
  ]);

  async function countOpen(at: readonly StageEndpoint[]): Promise<number> {
    const { rows } = await system.database.pool.query<{ count: number }>(
      `select count(*)::int as count from deliveries
        where endpoint_id = any ($1) and state in ('blocked', 'waiting', 'queued')`,
      [at.map(({ endpointId }) => endpointId)],
    );
    return rows[0]?.count ?? 0;
  }

  return {
    system,
    backend: options.backend,
    redisUrl,
    redis,
    postgres,
    apis,
    workers,
    receiver,
    scripts,
    endpoints,
    teller,
    hangMs: (fullMs) => Math.min(fullMs, options.longestHangMs),
    async waitForChanges(count) {
      const enough = teller.promised + count;
      await vi.waitFor(
        () => {
          if (teller.promised < enough) throw new Error('The API takes no changes.');
        },
        { timeout: RECOVERS_WITHIN_MS, interval: 10 },
      );
    },
    async waitForRecovery() {
      for (const { running } of [apis, workers]) {
        if (running.length === 0) throw new Error('A fault left nobody to recover.');
      }
      await Promise.all([...apis.running, ...workers.running].map(waitUntilReady));
    },
    async waitForCatchUp(withinMs) {
      const alwaysThere = endpoints.filter(({ path }) => ALWAYS_THERE.includes(path));
      const giveUpAt = performance.now() + withinMs;
      while (performance.now() < giveUpAt && (await countOpen(alwaysThere)) > UNDER_WAY) await delay(200);
    },
    async comeToRest(withinMs) {
      ending.abort();
      const begunAt = performance.now();
      await load;
      await calm({ endpoints, scripts, teller });
      for (;;) {
        const left = await countOpen(endpoints);
        const tookMs = performance.now() - begunAt;
        if (left === 0 || tookMs > withinMs) return { tookMs, left };
        await delay(50);
      }
    },
    async close() {
      ending.abort();
      await load.catch(() => undefined);
      await system.stop();
      for (const wires of allWires) await wires.close();
      await receiver.close();
      await redis?.close();
    },
  };
}

async function waitUntilReady(waited: StagedProcess): Promise<void> {
  await Promise.race([
    vi.waitFor(
      async () => {
        const { status, body } = await readHealth(waited.url);
        if (status !== 200) throw new Error(`${waited.name} is not ready: ${JSON.stringify(body)}`);
      },
      { timeout: RECOVERS_WITHIN_MS, interval: 50 },
    ),
    // Whoever has ended will not be ready, and its log says why.
    waited.ended.then((how) => {
      throw new Error(`${waited.name} ended by itself (${how}):\n${waited.log.text.slice(-MAX_SHOWN)}`);
    }),
  ]);
}
