import { createRandom } from '@vendor-server/e2e/history/testing/create-random.ts';
import { expect, test } from 'vitest';
import { createBatchedWork } from './create-batched-work.ts';
import { createProcessors } from './create-processors.ts';
import { createTimeline } from './create-timeline.ts';
import { buildDailyLoad, type Load, SMALLEST_APART, type Topology } from './scale-model.ts';
import { type SimulationOptions, simulate } from './simulate.ts';
import { MEASURED, type UnitCosts } from './unit-costs.ts';

const LOAD: Load = { ...buildDailyLoad(1_000_000, 3), endpoints: 10, busiestShare: 0.1 };

function run(options: Partial<SimulationOptions>) {
  return simulate({
    costs: MEASURED,
    load: LOAD,
    topology: SMALLEST_APART,
    source: { kind: 'open' },
    seconds: 10,
    seed: 1,
    ...options,
  });
}

test('events come in the order of their time, and of their asking within a moment', () => {
  const timeline = createTimeline();
  const seen: string[] = [];
  const times = Array.from({ length: 200 }, (_, n) => (n * 7) % 50);
  times.forEach((time, n) => timeline.after(time, () => seen.push(`${time} ${n}`)));
  timeline.runUntil(49);
  const expected = times.map((time, n) => ({ time, n })).toSorted((a, b) => a.time - b.time || a.n - b.n);
  expect(seen).toEqual(expected.map(({ time, n }) => `${time} ${n}`));
});

test('one processor at random arrivals makes wait as long as queueing theory says', () => {
  const timeline = createTimeline();
  const random = createRandom(7);
  const processor = createProcessors(timeline, 1);
  const [serviceMs, use] = [1, 0.8];
  let waitedMs = 0;
  let served = 0;
  const arrive = () => {
    const arrivedAt = timeline.now();
    processor.work(serviceMs, () => {
      waitedMs += timeline.now() - arrivedAt - serviceMs;
      served += 1;
    });
    timeline.after((-Math.log(1 - random.next()) * serviceMs) / use, arrive);
  };
  arrive();
  timeline.runUntil(400_000);
  // M/D/1.
  const expectedMs = (use * serviceMs) / (2 * (1 - use));
  expect(waitedMs / served).toBeGreaterThan(expectedMs * 0.93);
  expect(waitedMs / served).toBeLessThan(expectedMs * 1.07);
});

test('processes share the processors of their machine, and each uses one at a time', () => {
  const timeline = createTimeline();
  const machine = createProcessors(timeline, 2);
  const [one, other] = [machine.createProcess(1), machine.createProcess(1)];
  const ended: string[] = [];
  for (const name of ['a', 'b', 'c']) one.work(10, () => ended.push(`${name} ${timeline.now()}`));
  other.work(10, () => ended.push(`d ${timeline.now()}`));
  timeline.runUntil(100);
  expect(ended).toEqual(['a 10', 'd 10', 'b 20', 'c 30']);
});

test('what comes in a turn, or while a batch is under way, goes together', () => {
  const batchesOf = (maxUnderWay: number, takesMs: number) => {
    const timeline = createTimeline();
    const batches: string[] = [];
    const hand = createBatchedWork({
      timeline,
      maxItems: 3,
      maxUnderWay,
      spacingMs: 5,
      atTurnsEnd: (event) => timeline.after(0, event),
      work(count, done) {
        batches.push(`${count} at ${timeline.now()}`);
        timeline.after(takesMs, done);
      },
    });
    for (const at of [0, 0, 1, 2, 20, 20, 20, 20]) timeline.after(at, () => hand(() => undefined));
    timeline.runUntil(100);
    return batches.join(', ');
  };
  expect(batchesOf(1, 3)).toBe('2 at 0, 2 at 3, 3 at 20, 1 at 23');
  // One that lasts is not waited for, but where as many are under way as may be.
  expect(batchesOf(2, 10)).toBe('2 at 0, 2 at 5, 3 at 20, 1 at 25');
  expect(batchesOf(1, 10)).toBe('2 at 0, 2 at 10, 3 at 20, 1 at 30');
});

test('the same seed gives the same, another one nearly', () => {
  expect(run({})).toEqual(run({}));
  const other = run({ seed: 2 });
  expect(other).not.toEqual(run({}));
  expect(other.deliveriesPerSecond).toBeGreaterThan(LOAD.changesPerSecond * 0.93);
  expect(other.behindSeconds).toBeLessThan(0.5);
});

test('beyond what the API can do, changes come as fast as it can', () => {
  const { changesPerSecond } = run({ load: { ...LOAD, changesPerSecond: 10_000 }, seconds: 2 });
  const most = 1_000 / MEASURED.change.apiMs;
  expect(changesPerSecond).toBeGreaterThan(most * 0.95);
  expect(changesPerSecond).toBeLessThan(most * 1.05);
});

test("an endpoint gets no more at a time than its window, so that its answers' time bounds its rate", () => {
  const load = {
    ...LOAD,
    endpoints: 1,
    busiestShare: 1,
    answerMs: 500,
    changesPerSecond: 300,
    attemptsPerDelivery: 1,
  };
  const { deliveriesPerSecond, behindSeconds } = run({ load, seconds: 60 });
  // Of the 7 700 that are expected, about their root are more or fewer by chance: 5 percent would be four times that.
  expect(deliveriesPerSecond).toBeLessThan((64 / 0.5) * 1.05);
  expect(deliveriesPerSecond).toBeGreaterThan((64 / 0.5) * 0.9);
  expect(behindSeconds).toBeGreaterThan(10);
});

test('a backlog on one machine goes out as fast as its processors do what it costs', () => {
  const costs: UnitCosts = {
    ...MEASURED,
    attempt: { ...MEASURED.attempt, statementMs: 0, workerStatementMs: 0 },
    rounds: { postgresMs: 0, workerMs: 0 },
    flushMs: 0.01,
  };
  const machine: Topology = { ...SMALLEST_APART, sharedCores: 1, networkMs: 0 };
  const { deliveriesPerSecond } = run({
    costs,
    topology: machine,
    load: { ...LOAD, answerMs: 0.1, attemptsPerDelivery: 1 },
    source: { kind: 'backlog', deliveries: 5_000 },
  });
  const { workerMs, postgresMs, redisMs } = costs.attempt;
  const eachMs = workerMs + postgresMs + redisMs + costs.bystanders.attemptMs;
  expect(deliveriesPerSecond).toBeGreaterThan((1_000 / eachMs) * 0.97);
  expect(deliveriesPerSecond).toBeLessThan((1_000 / eachMs) * 1.03);
});

test('what has an end is measured until its last delivery', () => {
  const source = { kind: 'clients', count: 32, areTold: true, changes: 500 } as const;
  const { changesPerSecond, deliveriesPerSecond, behindSeconds } = run({
    source,
    load: { ...LOAD, attemptsPerDelivery: 1 },
  });
  expect(behindSeconds).toBe(0);
  expect(deliveriesPerSecond).toBe(changesPerSecond);
  expect(deliveriesPerSecond).toBeGreaterThan(100);
});
