import { expect, test } from 'vitest';
import { createLinearScale, createLogScale } from './chart-scale.ts';

test.each([
  [980, [0, 200, 400, 600, 800, 1000]],
  [0.3, [0, 0.1, 0.2, 0.3]],
  [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, [0, 0.2, 0.4, 0.6, 0.8, 1]],
])('an axis up to %d has round ticks from zero', (most, ticks) => {
  const scale = createLinearScale(most, 0, 100);
  expect(scale.ticks.map((tick) => Number(tick.toFixed(9)))).toEqual(ticks);
  expect(scale.toPlace(0)).toBe(0);
  expect(scale.toPlace(ticks.at(-1) ?? 0)).toBeCloseTo(100);
});

test('on a logarithmic axis every factor takes as much room', () => {
  const scale = createLogScale(0.5, 5_000, 0, 100);
  expect(scale.ticks).toEqual([1, 10, 100, 1_000]);
  expect(scale.toPlace(0.5)).toBe(0);
  expect(scale.toPlace(5_000)).toBe(100);
  expect(scale.toPlace(50) - scale.toPlace(5)).toBeCloseTo(25);
});
