import { expect, test } from 'vitest';
import type { Sample } from './round.ts';
import { findMedianRound, toCpuShares, toDistribution, toSeriesPoints, toSpread } from './statistics.ts';

const NOTHING = { units: 0, cpu: [], samples: [] };
const ended = (atMs: number, latencyMs: number | null): Sample => ({ atMs, latencyMs });

test('a spread keeps the order of its rounds', () => {
  expect(toSpread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: [3, 1, 2] });
});

test('the median of an even number lies between the two in the middle', () => {
  expect(toSpread([10, 1, 4, 2]).median).toBe(3);
  expect(toSpread([7]).median).toBe(7);
});

test('processor time is summed over rounds, and shared by all of their work', () => {
  const rounds = [
    { ...NOTHING, value: 1, units: 100, cpu: [{ process: 'api', seconds: 0.5 }] },
    {
      ...NOTHING,
      value: 1,
      units: 300,
      cpu: [
        { process: 'redis', seconds: 0.2 },
        { process: 'api', seconds: 0.7 },
      ],
    },
  ];
  expect(toCpuShares(rounds)).toEqual([
    { process: 'api', seconds: 1.2, msPerUnit: 3 },
    { process: 'redis', seconds: 0.2, msPerUnit: 0.5 },
  ]);
});

test('every latency is in one bucket, the longest in the last', () => {
  const samples = [0.01, 0.2, 0.21, 3, 40].map((latencyMs) => ended(1, latencyMs));
  const { buckets, ...rest } = toDistribution('ours', samples);
  expect(rest).toEqual({ name: 'ours', count: 5, p50Ms: 0.21, p90Ms: 40, p99Ms: 40, maxMs: 40 });
  expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(5);
  expect(buckets.at(-1)?.upToMs).toBeGreaterThanOrEqual(40);
  for (const [index, { upToMs, count }] of buckets.entries()) {
    const from = buckets[index - 1]?.upToMs ?? 0;
    const within = samples.filter(({ latencyMs }) => (latencyMs ?? 0) > from && (latencyMs ?? 0) <= upToMs);
    expect(count).toBe(within.length);
  }
});

test('what has no latency counts for rates only', () => {
  expect(toDistribution('drain', [ended(1, null), ended(2, null)])).toMatchObject({ count: 0, buckets: [] });
  const [first] = toSeriesPoints([ended(1, null), ended(400, null)]);
  expect(first).toEqual({ atSeconds: 0.01, perSecond: 100, p50Ms: null, p99Ms: null });
});

test('a series holds everything that ended, also at the very end', () => {
  const points = toSeriesPoints([ended(5, 1), ended(6, 3), ended(400, 7)]);
  expect(points).toHaveLength(40);
  expect(points[0]).toMatchObject({ perSecond: 200, p50Ms: 3 });
  expect(points.at(-1)).toMatchObject({ atSeconds: 0.4, perSecond: 100, p99Ms: 7 });
  expect(toSeriesPoints([])).toEqual([]);
});

test('the median round is the one nearest to the median', () => {
  const rounds = [5, 1, 2].map((value) => ({ ...NOTHING, value }));
  expect(findMedianRound(rounds)?.value).toBe(2);
});
