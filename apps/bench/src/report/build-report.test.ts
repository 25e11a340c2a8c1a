import { expect, test } from 'vitest';
import type { BenchRow } from '../result/bench-result.ts';
import { buildSampleResult, SAMPLE_DISTRIBUTION, SAMPLE_ROW } from '../result/testing/sample-result.ts';
import { buildReport } from './build-report.ts';

const NOTHING_MEASURED: BenchRow = {
  ...SAMPLE_ROW,
  id: 'P2',
  met: false,
  cpu: { ours: [], bare: [] },
  // A rate, and nothing of how long anything took.
  series: [{ name: 'ours', points: [{ atSeconds: 1, perSecond: 10, p50Ms: null, p99Ms: null }] }],
  latencies: [{ ...SAMPLE_DISTRIBUTION, count: 0, buckets: [] }],
};

test('shows every row with its figures, and every curve', () => {
  const page = buildReport(buildSampleResult([SAMPLE_ROW, NOTHING_MEASURED]));
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
  const page = buildReport(buildSampleResult([SAMPLE_ROW]));
  expect(page).toContain('Changes &lt;of a status&gt;');
  expect(page).toContain('the same &amp; nothing else');
  expect(page).not.toMatch(/https?:|\bsrc=|<script|<link|@import|url\(/);
});
