import type { BenchResult, BenchRow, LatencyDistribution, Spread } from '../bench-result.ts';

const toSpread = (median: number): Spread => ({
  median,
  min: median * 0.9,
  max: median * 1.1,
  rounds: [median],
});

export const SAMPLE_DISTRIBUTION: LatencyDistribution = {
  name: 'ours',
  count: 100,
  p50Ms: 2,
  p90Ms: 3,
  p99Ms: 9,
  maxMs: 11,
  buckets: [
    { upToMs: 3, count: 90 },
    { upToMs: 12, count: 10 },
  ],
};

export const SAMPLE_ROW: BenchRow = {
  id: 'P1',
  title: 'Changes <of a status>',
  bareTitle: 'the same & nothing else',
  unit: 'changes/s',
  ours: toSpread(1234.5),
  bare: toSpread(2000),
  ratio: 0.617,
  aim: { kind: 'at least', ratio: 0.6 },
  met: true,
  cpu: { ours: [{ process: 'api', seconds: 2, msPerUnit: 0.512 }], bare: [] },
  series: [{ name: 'ours', points: [{ atSeconds: 1, perSecond: 1200, p50Ms: 2, p99Ms: 9 }] }],
  latencies: [SAMPLE_DISTRIBUTION],
  notes: ['The worker is stopped.'],
};

/** With one curve. */
export function buildSampleResult(rows: readonly BenchRow[]): BenchResult {
  return {
    meta: {
      date: '2026-11-26T04:05:06.000Z',
      tookSeconds: 400,
      quick: false,
      machine: 'A processor',
      cores: 2,
      memoryMib: 24_000,
      system: 'Linux 6.1.0 x64',
      versions: { postgres: '18.4' },
      commit: null,
      database: 'embedded',
      queue: 'redis',
    },
    rows,
    curves: [
      {
        id: 'endpoints',
        title: 'Cost against endpoints',
        xLabel: 'endpoints',
        yLabel: 'ms',
        lines: [
          {
            name: 'Redis',
            points: [
              { x: 1, y: 0.4 },
              { x: 1_000, y: 0.5 },
            ],
          },
          { name: 'PostgreSQL', points: [{ x: 1, y: 1.25 }] },
        ],
        notes: ['Processor time of worker, redis.'],
      },
    ],
  };
}
