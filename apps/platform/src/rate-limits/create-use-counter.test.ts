import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createUseCounter } from './create-use-counter.ts';
import type { NewUses, SharedCount, SharedCounts } from './shared-counts.ts';

const MINUTE = 60_000;

function createClock() {
  const clock = { ms: 1_000, now: () => clock.ms };
  return clock;
}

function createLocal(clock = createClock()) {
  const counter = createUseCounter({ shared: null, logger: createLog(), now: clock.now });
  return { clock, count: (key: string) => counter.count(key, MINUTE) };
}

function createLog() {
  return { warn: vi.fn<() => void>(), info: vi.fn<() => void>() };
}

/** Shared counts whose answers the test gives. */
function createStepped() {
  const calls: {
    uses: readonly NewUses[];
    answer: (counts: SharedCount[]) => void;
    fail: () => void;
  }[] = [];
  const connection = { isOpen: true };
  const shared: SharedCounts = {
    isConnected: () => connection.isOpen,
    add(uses) {
      const { promise, resolve, reject } = Promise.withResolvers<SharedCount[]>();
      calls.push({ uses, answer: resolve, fail: () => reject(new Error('away')) });
      return promise;
    },
    close: () => undefined,
  };
  const clock = createClock();
  const log = createLog();
  const counter = createUseCounter({ shared, logger: log, now: clock.now });
  onTestFinished(() => counter.close());
  return {
    calls,
    clock,
    connection,
    log,
    count: (key: string) => counter.count(key, MINUTE),
    waitForCall: (count: number) =>
      vi.waitFor(() => expect(calls).toHaveLength(count), { interval: 1, timeout: 10_000 }),
  };
}

test('a window begins with the first use and lasts for its length', () => {
  const { clock, count } = createLocal();
  expect(count('a')).toEqual({ used: 1, endsInMs: MINUTE });
  clock.ms += 59_999;
  expect(count('a')).toEqual({ used: 2, endsInMs: 1 });
  clock.ms += 1;
  expect(count('a')).toEqual({ used: 1, endsInMs: MINUTE });
});

test('counts each caller on its own, also while ended windows are dropped', () => {
  const { clock, count } = createLocal();
  for (let caller = 0; caller < 1_000; caller += 1) count(`early-${caller}`);
  clock.ms += 30_000;
  count('late');
  clock.ms += 30_000;
  expect(count('new').used).toBe(1);
  expect(count('late').used).toBe(2);
  expect(count('early-0').used).toBe(1);
});

test('uses are told together, and those of other processes count', async () => {
  const { calls, count, waitForCall } = createStepped();
  count('a');
  count('b');
  count('a');
  await waitForCall(1);
  expect(calls[0]?.uses).toEqual([
    { key: 'a', count: 2, windowMs: MINUTE },
    { key: 'b', count: 1, windowMs: MINUTE },
  ]);
  // While an answer is out, uses still count.
  expect(count('a').used).toBe(3);
  calls[0]?.answer([
    { used: 12, endsInMs: 5_000 },
    { used: 1, endsInMs: MINUTE },
  ]);
  await nextTurn();
  expect(count('a')).toEqual({ used: 14, endsInMs: 5_000 });
  expect(count('b').used).toBe(2);
});

test('a shared window that ended first begins a new one here, too', async () => {
  const { calls, clock, count, waitForCall } = createStepped();
  for (let use = 0; use < 10; use += 1) count('a');
  await waitForCall(1);
  calls[0]?.answer([{ used: 10, endsInMs: MINUTE }]);
  await nextTurn();
  clock.ms += MINUTE - 1;
  count('a');
  await waitForCall(2);
  calls[1]?.answer([{ used: 1, endsInMs: MINUTE }]);
  await nextTurn();
  expect(count('a')).toEqual({ used: 2, endsInMs: MINUTE });
});

test('while the others cannot be told, the own count goes on, and is not told twice', async () => {
  const { calls, clock, log, count, waitForCall } = createStepped();
  count('a');
  count('a');
  await waitForCall(1);
  calls[0]?.fail();
  await vi.waitFor(() => expect(log.warn).toHaveBeenCalledOnce(), { timeout: 10_000 });
  expect(count('a').used).toBe(3);
  clock.ms += 1_000;
  await waitForCall(2);
  expect(calls[1]?.uses).toEqual([{ key: 'a', count: 1, windowMs: MINUTE }]);
  calls[1]?.answer([{ used: 1, endsInMs: MINUTE }]);
  await vi.waitFor(() => expect(log.info).toHaveBeenCalledOnce(), { timeout: 10_000 });
  expect(count('a').used).toBe(4);
});

test('without a connection uses are kept for it', async () => {
  const { calls, clock, connection, log, count, waitForCall } = createStepped();
  connection.isOpen = false;
  count('a');
  await vi.waitFor(() => {
    clock.ms += 500;
    count('a');
    expect(log.warn).toHaveBeenCalledOnce();
  });
  expect(calls).toEqual([]);
  connection.isOpen = true;
  const { used } = count('a');
  await waitForCall(1);
  expect(calls[0]?.uses).toEqual([{ key: 'a', count: used, windowMs: MINUTE }]);
});
