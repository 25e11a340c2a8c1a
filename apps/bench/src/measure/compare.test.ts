import { expect, test } from 'vitest';
import { buildRow, measureInTurns } from './compare.ts';
import type { Round } from './round.ts';

const round = (value: number, latencyMs: number | null = null): Round => ({
  value,
  units: 10,
  cpu: [{ process: 'api', seconds: 0.1 }],
  samples: [{ atMs: 100, latencyMs }],
});
const TEXT = { id: 'P0', title: 'ours', bareTitle: 'bare', unit: '1/s', notes: [] };

test('sides take turns, the other way round each time, after a round of each that does not count', async () => {
  const calls: string[] = [];
  const side = (name: string) => async (isWarmUp: boolean) => {
    calls.push(isWarmUp ? `(${name})` : name);
    return round(calls.length);
  };
  const measured = await measureInTurns(3, { ours: side('ours'), bare: side('bare') });
  expect(calls.join(' ')).toBe('(ours) (bare) ours bare bare ours ours bare');
  expect(measured.ours.map(({ value }) => value)).toEqual([3, 6, 7]);
  expect(measured.bare.map(({ value }) => value)).toEqual([4, 5, 8]);
});

test.each([
  { kind: 'at least', aimed: 0.5, met: true },
  { kind: 'at least', aimed: 0.6, met: false },
  { kind: 'at most', aimed: 0.5, met: true },
  { kind: 'at most', aimed: 0.4, met: false },
] as const)('a ratio of 0.5 that is to be $kind $aimed: $met', ({ kind, aimed, met }) => {
  const row = buildRow(
    { ...TEXT, aim: { kind, ratio: aimed } },
    { ours: [round(40), round(50), round(90)], bare: [round(100)] },
  );
  expect(row).toMatchObject({ ratio: 0.5, met });
});

test('a row tells both sides apart, and shows latencies only where there are some', () => {
  const row = buildRow(
    { ...TEXT, aim: { kind: 'at least', ratio: 1 } },
    { ours: [round(1, 4)], bare: [round(1)] },
  );
  expect(row.series.map(({ name }) => name)).toEqual(['ours', 'bare']);
  expect(row.latencies).toMatchObject([{ name: 'ours', count: 1, p50Ms: 4 }]);
  expect(row.cpu.bare).toEqual([{ process: 'api', seconds: 0.1, msPerUnit: 10 }]);
});
