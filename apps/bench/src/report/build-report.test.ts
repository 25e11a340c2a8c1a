import { expect, test } from 'vitest';
import type { BenchResult, BenchRow, LatencyDistribution, Spread } from '../result/bench-result.ts';
import { buildReport } from './build-report.ts';

const toSpread = (median: number): Spread => ({
  median,
  min: median * 0.9,
  max: median * 1.1,
  rounds: [median],
});

const DISTRIBUTION: LatencyDistribution = {
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

const ROW: BenchRow = {
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
  latencies: [DISTRIBUTION],
  notes: ['The worker is stopped.'],
};

function buildResult(rows: readonly BenchRow[]): BenchResult {
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
        ],
        notes: [],
      },
    ],
  };
}

const NOTHING_MEASURED: BenchRow = {
  ...ROW,
  id: 'P2',
  met: false,
  cpu: { ours: [], bare: [] },
  // A rate, and nothing of how long anything took.
  series: [{ name: 'ours', points: [{ atSeconds: 1, perSecond: 10, p50Ms: null, p99Ms: null }] }],
  latencies: [{ ...DISTRIBUTION, count: 0, buckets: [] }],
};

test('shows every row with its figures, and every curve', () => {
  const page = buildReport(buildResult([ROW, NOTHING_MEASURED]));
  for (const shown of [
    'href="#P1"',
    'id="P2"',
    '1,235',
    '0.617',
    '0.512 ms',
    'p99 9 ms',
    '✓ reached',
    '✗ missed',
  ]) {
    expect(page).toContain(shown);
  }
  expect(page).toContain('Cost against endpoints');
  expect(page.match(/<svg/g)).toHaveLength(6);
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

test('fetches nothing and runs nothing, and takes no text for HTML', () => {
  const page = buildReport(buildResult([ROW]));
  expect(page).toContain('Changes &lt;of a status&gt;');
  expect(page).toContain('the same &amp; nothing else');
  expect(page).not.toMatch(/https?:|\bsrc=|<script|<link|@import|url\(/);
});
