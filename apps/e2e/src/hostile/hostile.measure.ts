/**
 * What a few bad customers' servers cost everybody else, measured on the real processes. Settings, in the environment:
 * `HOSTILE_SECONDS` of a round, `HOSTILE_ATTACK_SECONDS` of the attack, `HOSTILE_BACKLOG` of each bad customer,
 * `HOSTILE_PER_SECOND` changes of the healthy, `HOSTILE_QUEUE=postgres`, `HOSTILE_REPORT`, a file for the numbers.
 *
 * The load is one that two cores carry with half of their time left: at twice that they are busy for three quarters of it
 * before anything bad happens, and the ratio tells of queues for a processor. The round is as long as it takes for twenty
 * samples to lie above the p99, and for three time-outs of a hanging endpoint.
 *
 * Times are printed and never asserted: they are the machine's, too. Each bad round is held against the mean of the
 * rounds without bad ones before and after it, each in a system of its own that is as young, and each after as long a
 * warm-up. That of a bad round is printed as well ("at first"): all the bad ones' backlogs appear in it at one moment.
 * What a virtual machine's host gave to others is printed, too ("stolen"): where it differs, so do the machines.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createPrivateRedis, type PrivateRedis } from '../system/create-private-redis.ts';
import { createHostileStage, type HostileStage } from './create-hostile-stage.ts';
import { type Baseline, type HostileReport, showReport, showRound, writeReport } from './hostile-report.ts';
import { measureAttack } from './measure-attack.ts';
import { measureDrain } from './measure-drain.ts';
import { measureRound, type Round } from './measure-round.ts';
import { SCENARIOS } from './scenarios.ts';

const { env } = process;
const seconds = Number(env['HOSTILE_SECONDS'] ?? 40);
const backlog = Number(env['HOSTILE_BACKLOG'] ?? 20_000);
const perSecond = Number(env['HOSTILE_PER_SECOND'] ?? 50);
const attackSeconds = Number(env['HOSTILE_ATTACK_SECONDS'] ?? 60);
/**
 * Few enough that their windows stay below a worker's concurrency: beyond it everybody waits for a worker more. Their
 * backlogs outlast the attack: a window of 64 whose answers take 2 s, for a minute.
 */
const ATTACKERS = { attackers: 14, backlog: 2_400 };
const ATTACKING_CONNECTIONS = 200;
const MOST_RSS_BYTES = 300 * 1024 * 1024;
const HEALTHY = 100;
const WARM_UP_SECONDS = 5;
/** Over 100 endpoints: ten orders of four changes for each. */
const DRAINED = 4_000;

const report: HostileReport = { rounds: [], drains: [], attack: null };
const baselines: Baseline[] = [];
/** `at`: its system's own baseline. */
const rounds: { title: string; begin: Round; round: Round; at: number }[] = [];
let redis: PrivateRedis | null = null;

beforeAll(async () => {
  if (env['HOSTILE_QUEUE'] === 'postgres') return;
  redis = await createPrivateRedis();
  await redis.start();
});
afterEach(() => {
  report.rounds = rounds.map(({ title, begin, round, at }) => ({
    title,
    begin,
    round,
    baseline: toMean(baselines[at]!, baselines[at + 1] ?? baselines[at]!),
  }));
  writeReport(report, env['HOSTILE_REPORT']);
});
afterAll(async () => {
  showReport(report);
  await redis?.close();
});

async function withStage(use: (stage: HostileStage) => Promise<void>): Promise<void> {
  await redis?.flush();
  const stage = await createHostileStage({ redisUrl: redis?.url ?? null, healthy: HEALTHY });
  try {
    await use(stage);
  } finally {
    await stage.stop();
  }
}

async function measureBaseline(stage: HostileStage): Promise<void> {
  await measureRound(stage, { perSecond, seconds: WARM_UP_SECONDS });
  const round = await measureRound(stage, { perSecond, seconds });
  expect(round.missing).toBe(0);
  baselines.push(round);
}

test.each(SCENARIOS)('$title', async ({ title, prepare }) => {
  await withStage(async (stage) => {
    await measureBaseline(stage);
    const { customerServers, endpointIds } = await prepare(stage, backlog);
    const load = { perSecond, bad: customerServers, badEndpointIds: endpointIds };
    const begin = await measureRound(stage, { ...load, seconds: WARM_UP_SECONDS });
    const round = await measureRound(stage, { ...load, seconds });
    rounds.push({ title, begin, round, at: baselines.length - 1 });
    showRound(title, baselines.at(-1) ?? null, round);
    expect([begin.missing, round.missing]).toEqual([0, 0]);
  });
});

test('attacked', async () => {
  await withStage(async (stage) => {
    await measureRound(stage, { perSecond, seconds: WARM_UP_SECONDS });
    const attack = await measureAttack(stage, { perSecond, seconds: attackSeconds, ...ATTACKERS });
    report.attack = attack;
    showRound('attacked', null, attack.round);
    expect(attack.round.missing).toBe(0);
    expect(attack.connections.median).toBeGreaterThan(ATTACKING_CONNECTIONS);
    expect(attack.peakRssBytes).toBeLessThan(MOST_RSS_BYTES);
  });
});

test('alone', async () => {
  await withStage(async (stage) => {
    await measureBaseline(stage);
    const [one] = stage.healthy;
    const many = await measureDrain(stage, stage.healthy, DRAINED);
    const single = await measureDrain(stage, [one!], DRAINED);
    report.drains.push(
      { title: 'over 100 endpoints', drain: many },
      { title: 'to one endpoint', drain: single },
    );
    expect([many.deliveries, single.deliveries]).toEqual([DRAINED, DRAINED]);
  });
});

function toMean(one: Baseline, other: Baseline): Baseline {
  return {
    latency: {
      p50Ms: (one.latency.p50Ms + other.latency.p50Ms) / 2,
      p99Ms: (one.latency.p99Ms + other.latency.p99Ms) / 2,
      maxMs: Math.max(one.latency.maxMs, other.latency.maxMs),
    },
    stolenShare: (one.stolenShare + other.stolenShare) / 2,
  };
}
