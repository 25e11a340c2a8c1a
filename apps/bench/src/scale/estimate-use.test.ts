import { expect, test } from 'vitest';
import { calculateUse, findFullest, planTopology } from './estimate-use.ts';
import { buildDailyLoad, multiplyLoad, SMALLEST_APART } from './scale-model.ts';
import { MEASURED } from './unit-costs.ts';

const CUSTOMER = buildDailyLoad(1_000_000, 1);

test('a million orders a day are 81 changes a second', () => {
  expect(CUSTOMER.changesPerSecond).toBeCloseTo(81, 0);
});

test('names what is full first', () => {
  const use = calculateUse(MEASURED, multiplyLoad(CUSTOMER, 100), SMALLEST_APART);
  expect(use.api).toBeGreaterThan(1);
  expect(findFullest(use)).toBe('api');
  const slow = { ...CUSTOMER, answerMs: 1_000 };
  expect(calculateUse(MEASURED, slow, SMALLEST_APART).endpoint).toBeGreaterThan(1);
  expect(findFullest(calculateUse(MEASURED, slow, SMALLEST_APART))).toBe('endpoint');
});

test('a plan leaves everything that can be multiplied below 0.6 of its use, with nothing to spare', () => {
  const load = multiplyLoad(CUSTOMER, 100);
  const planned = planTopology(MEASURED, load, SMALLEST_APART);
  const use = calculateUse(MEASURED, load, planned);
  for (const part of ['api', 'postgres', 'redis', 'worker', 'sockets'] as const) {
    expect(use[part]).toBeLessThanOrEqual(0.62);
  }
  const oneLess = calculateUse(MEASURED, load, { ...planned, apis: planned.apis - 1 });
  expect(oneLess.api).toBeGreaterThan(0.6);
});
