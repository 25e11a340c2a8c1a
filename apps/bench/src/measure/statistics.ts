import { quantile } from '@vendor-server/e2e/system/quantile.ts';
import type { CpuShare, LatencyDistribution, SeriesPoint, Spread } from '../result/bench-result.ts';
import { type Round, type Sample, sortLatencies } from './round.ts';

/** Parts of a round in a series. */
const PARTS = 40;
/** Upper ends of buckets, each by so much above the one before: seven to a power of ten. */
const BUCKET_GROWTH = 10 ** (1 / 7);
const SMALLEST_BUCKET_MS = 0.05;

/** @param rounds one value each, at least one */
export function toSpread(rounds: readonly number[]): Spread {
  const sorted = rounds.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = quantile(sorted, 0.5);
  const low = sorted.length % 2 === 0 ? (sorted[middle - 1] ?? high) : high;
  return { median: (low + high) / 2, min: quantile(sorted, 0), max: quantile(sorted, 1), rounds };
}

/** Sums each process over the rounds, in the order in which they first appear. */
export function toCpuShares(rounds: readonly Round[]): CpuShare[] {
  const units = rounds.reduce((sum, round) => sum + round.units, 0);
  const seconds = new Map<string, number>();
  for (const use of rounds.flatMap(({ cpu }) => cpu)) {
    seconds.set(use.process, (seconds.get(use.process) ?? 0) + use.seconds);
  }
  return [...seconds].map(([process, sum]) => ({
    process,
    seconds: sum,
    msPerUnit: units === 0 ? 0 : (sum * 1_000) / units,
  }));
}

export function toDistribution(name: string, samples: readonly Sample[]): LatencyDistribution {
  const sorted = sortLatencies(samples);
  return {
    name,
    count: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
    p99Ms: quantile(sorted, 0.99),
    maxMs: quantile(sorted, 1),
    buckets: toBuckets(sorted),
  };
}

function toBuckets(sorted: readonly number[]): LatencyDistribution['buckets'] {
  const buckets: { upToMs: number; count: number }[] = [];
  let counted = 0;
  for (let upToMs = SMALLEST_BUCKET_MS; counted < sorted.length; upToMs *= BUCKET_GROWTH) {
    const from = counted;
    while (counted < sorted.length && (sorted[counted] ?? 0) <= upToMs) counted += 1;
    if (counted > from || buckets.length > 0) buckets.push({ upToMs, count: counted - from });
  }
  return buckets;
}

/** Cuts a round into parts of the same length. */
export function toSeriesPoints(samples: readonly Sample[]): SeriesPoint[] {
  const endMs = Math.max(...samples.map(({ atMs }) => atMs), 0);
  if (endMs === 0) return [];
  const partMs = endMs / PARTS;
  const parts = Map.groupBy(samples, ({ atMs }) => Math.min(Math.floor(atMs / partMs), PARTS - 1));
  return Array.from({ length: PARTS }, (_, index) => {
    const ended = parts.get(index) ?? [];
    const sorted = sortLatencies(ended);
    const at = (share: number) => (sorted.length === 0 ? null : quantile(sorted, share));
    return {
      atSeconds: ((index + 1) * partMs) / 1_000,
      perSecond: (ended.length * 1_000) / partMs,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  });
}

/** The round whose value is nearest to the median. */
export function findMedianRound(rounds: readonly Round[]): Round | undefined {
  const { median } = toSpread(rounds.map(({ value }) => value));
  const distanceOf = ({ value }: Round) => Math.abs(value - median);
  return rounds.toSorted((a, b) => distanceOf(a) - distanceOf(b))[0];
}
