import { expect, test, vi } from 'vitest';
import { printResult, toLine } from './print-result.ts';
import { buildSampleResult, SAMPLE_ROW } from './testing/sample-result.ts';

/** What was printed, without the room between columns. */
function print(result: Parameters<typeof printResult>[0]): string[] {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    printResult(result);
    const text = log.mock.calls.flat().join('\n');
    return text.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
  } finally {
    log.mockRestore();
  }
}

test('prints each row with its medians, spreads, ratio and aim, what it cost, and what it was held against', () => {
  const missed = {
    ...SAMPLE_ROW,
    id: 'P3a',
    title: 'Latency',
    unit: 'ms',
    ours: { median: 7.004, min: 6.9, max: 12, rounds: [7.004] },
    ratio: 12.345,
    aim: { kind: 'at most', ratio: 5 },
    met: false,
  } as const;
  const lines = print(buildSampleResult([SAMPLE_ROW, missed]));
  for (const line of [
    '2026-11-26T04:05:06.000Z, 400 s, commit unknown',
    'A processor, 2 cores, 24000 MiB, Linux 6.1.0 x64; database embedded, queue in redis',
    'P1 Changes <of a status> | 1235 | 1111–1358 | 2000 | 1800–2200 | changes/s | 0.62 | ≥ 0.6 | met',
    'P3a Latency | 7.00 | 6.90–12.0 | 2000 | 1800–2200 | ms | 12.35 | ≤ 5 | missed',
    'P1 | api 0.51',
    'P1: held against the same & nothing else.',
    'The worker is stopped.',
    'endpoints Cost against endpoints (ms by endpoints)',
    '1 | 1000',
    'Redis | 0.400 | 0.500',
    'PostgreSQL | 1.25',
    'Processor time of worker, redis.',
  ]) {
    expect(lines).toContain(line);
  }
});

test('prints no table of rows where there are none', () => {
  const lines = print(buildSampleResult([]));
  expect(lines.some((line) => line.includes('ratio'))).toBe(false);
  expect(lines).toContain('Redis | 0.400 | 0.500');
});

test('says in a line what came of a row', () => {
  expect(toLine(SAMPLE_ROW)).toBe(
    'P1 Changes <of a status>: 1235 against 2000 changes/s, ratio 0.62 (at least 0.6: met)',
  );
});
