/** P5: whether a million deliveries that wait make those slower that go out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from '../benchmark.ts';
import { buildRow } from '../measure/compare.ts';
import { type CpuSource, countCpu, ofProcess } from '../measure/cpu-meter.ts';
import type { Round } from '../measure/round.ts';
import { watchQueueBytes } from '../measure/watch-queue-bytes.ts';
import { formatNumber } from '../report/format-number.ts';
import { setEndpointState } from '../stage/backlog.ts';
import { type Accounts, createAccounts } from '../stage/create-accounts.ts';
import type { Stage } from '../stage/create-stage.ts';
import { toDrainSamples } from './measure-deliveries.ts';
import { USUAL_STAGE } from './measure-orders.ts';

const CUSTOMERS = 10;
const ENDPOINTS_EACH = 10;
const BACKLOG = { usual: 1_000_000, quick: 20_000 };
/** What is put in at a time, and how few wait then: so about a thousand do. */
const PORTION = 800;
const LEAST_WAITING = 600;
const LOOK_EVERY_MS = 50;
/** With few waiting so many before the million and so many after it. */
const ROUNDS = { usual: { few: 2, many: 3 }, quick: { few: 1, many: 1 } };
const ROUND_MS = { usual: 3_000, quick: 1_500 };
/** Until windows have grown to their largest and the relay has been at every endpoint. */
const SETTLE_MS = { usual: 4_000, quick: 1_500 };
/** For the few to go out. */
const END_LIMIT_MS = 20_000;
const MIB = 1024 * 1024;

export const longBacklog: Benchmark = {
  id: 'P5',
  title: 'a million deliveries that wait',
  async run({ quick, createStage, say }) {
    const stage = await createStage({ ...USUAL_STAGE, customerServers: CUSTOMERS, vendors: 1 });
    const accounts = await createAccounts(stage, ENDPOINTS_EACH);
    const worker = await stage.startWorker();
    const size = quick ? 'quick' : 'usual';
    const options = {
      stage,
      cpu: [...stage.cpu, ofProcess('worker', worker.pid)],
      roundMs: ROUND_MS[size],
      settleMs: SETTLE_MS[size],
    };
    const count = BACKLOG[size];
    const queueBytes = await watchQueueBytes(stage);
    try {
      const before = await measureWithFew(options, ROUNDS[size].few, accounts);
      const bytesWithFew = queueBytes.takeMost();
      const begunAt = performance.now();
      await setEndpointState(stage.database.pool, accounts.endpoints, 'paused');
      await accounts.insert(count);
      say(
        `P5 ${formatNumber(count)} deliveries were put in, in ${formatNumber((performance.now() - begunAt) / 1_000)} s`,
      );
      await setEndpointState(stage.database.pool, accounts.endpoints, 'active');
      const ours = await measureWhile(options, ROUNDS[size].many, (stopping) =>
        keepPuttingIn(accounts, before.msForEachPortion, stopping),
      );
      const bytesWithMany = queueBytes.takeMost();
      await forgetOrders(stage.database.pool, accounts);
      const after = await measureWithFew(options, ROUNDS[size].few, accounts);
      const toMib = (bytes: number) => `${formatNumber(bytes / MIB)} MiB`;
      const notes = [
        `${CUSTOMERS * ENDPOINTS_EACH} endpoints of ${CUSTOMERS} customers; of the four changes of an order three wait for the one before.`,
        `With few waiting, ${PORTION} are put in whenever ${LEAST_WAITING} are left. To put them in costs the database, too: so with ${formatNumber(count)} waiting as many are put in, at the same pace.`,
        'Those rounds come between two lots of rounds with few, which are counted together: the machine changes its pace.',
        'With few waiting, few of each endpoint go together.',
        `The queue takes at most ${toMib(bytesWithMany)} with ${formatNumber(count)} waiting, ${toMib(bytesWithFew)} with few.`,
      ];
      const text = {
        id: 'P5',
        title: `draining with ${formatNumber(count)} deliveries waiting`,
        bareTitle: 'the same with about 1,000 waiting',
        unit: 'deliveries/s',
        aim: { kind: 'at least', ratio: 0.9 },
        notes,
      } as const;
      return { rows: [buildRow(text, { ours, bare: [...before.rounds, ...after.rounds] })] };
    } finally {
      await queueBytes.stop();
    }
  },
};

interface RoundsOptions {
  readonly stage: Stage;
  readonly cpu: readonly CpuSource[];
  readonly roundMs: number;
  readonly settleMs: number;
}

/** Rounds of what goes out anyway, one after the other. */
async function measureRounds(
  { stage, cpu, roundMs, settleMs }: RoundsOptions,
  rounds: number,
): Promise<Round[]> {
  await sleep(settleMs);
  const measured: Round[] = [];
  while (measured.length < rounds) {
    const stopCounting = await countCpu(cpu);
    await stage.receiver.call('forget', {});
    const begunAt = performance.now();
    await sleep(roundMs);
    const arrivals = await stage.receiver.call('receipts', {});
    const value = (arrivals.length * 1_000) / (performance.now() - begunAt);
    const samples = toDrainSamples(arrivals);
    measured.push({ value, units: arrivals.length, cpu: await stopCounting(), samples });
  }
  return measured;
}

/** Rounds, while somebody puts in what is to wait. */
async function measureWhile(
  options: RoundsOptions,
  rounds: number,
  putIn: (stopping: AbortSignal) => Promise<void>,
): Promise<Round[]> {
  const stopping = new AbortController();
  const putting = putIn(stopping.signal);
  // Reported below.
  putting.catch(() => undefined);
  try {
    return await measureRounds(options, rounds);
  } finally {
    stopping.abort();
    await putting;
  }
}

/** Keeps a few waiting meanwhile, and lets them go out in the end. */
async function measureWithFew(
  options: RoundsOptions,
  rounds: number,
  accounts: Accounts,
): Promise<{ rounds: Round[]; msForEachPortion: number }> {
  const { pool } = options.stage.database;
  const begunAt = performance.now();
  let portions = 0;

  async function readWaiting(): Promise<number> {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*) from deliveries where state in ('blocked', 'waiting')`,
    );
    return rows[0]?.count ?? 0;
  }

  const measured = await measureWhile(options, rounds, async (stopping) => {
    while (!stopping.aborted) {
      if ((await readWaiting()) >= LEAST_WAITING) await sleep(LOOK_EVERY_MS);
      else {
        await accounts.insert(PORTION);
        portions += 1;
      }
    }
  });
  const msForEachPortion = (performance.now() - begunAt) / portions;
  const giveUpAt = performance.now() + END_LIMIT_MS;
  while ((await readWaiting()) > 0 && performance.now() < giveUpAt) await sleep(LOOK_EVERY_MS);
  return { rounds: measured, msForEachPortion };
}

/** As if there had never been any. Jobs that are left find nothing to do. */
async function forgetOrders(pool: Stage['database']['pool'], { endpoints }: Accounts): Promise<void> {
  await setEndpointState(pool, endpoints, 'paused');
  await pool.query('truncate orders cascade');
  await pool.query('analyze');
  await setEndpointState(pool, endpoints, 'active');
}

/** One portion after the other, at even distances. */
async function keepPuttingIn(accounts: Accounts, msForEach: number, stopping: AbortSignal): Promise<void> {
  for (let dueAt = performance.now(); !stopping.aborted; dueAt += msForEach) {
    const earlyMs = Math.max(0, dueAt - performance.now());
    await sleep(earlyMs, undefined, { signal: stopping }).catch(() => undefined);
    if (!stopping.aborted) await accounts.insert(PORTION);
  }
}
