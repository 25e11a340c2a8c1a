import { expect, test } from 'vitest';
import { BenchUsageError, parseBenchOptions } from './bench-options.ts';

const KNOWN = ['P1', 'P2'];

test('without anything it runs all of them and writes nothing', () => {
  expect(parseBenchOptions([], KNOWN)).toEqual({
    only: null,
    quick: false,
    isQueueInPostgres: false,
    json: null,
    out: null,
    cpuProf: null,
  });
});

test('reads what is asked for', () => {
  const args = [
    '--quick',
    '--postgres-queue',
    '--only',
    'P2, P1',
    '--json',
    'a.json',
    '--out',
    'there',
    '--cpu-prof',
    'profiles',
  ];
  expect(parseBenchOptions(args, KNOWN)).toEqual({
    only: ['P2', 'P1'],
    quick: true,
    isQueueInPostgres: true,
    json: 'a.json',
    out: 'there',
    cpuProf: 'profiles',
  });
  expect(parseBenchOptions(['--help'], KNOWN)).toBeNull();
});

test.each([
  { args: ['--only', 'P1,P9'], sentence: '--only: there is no P9, but P1, P2.' },
  { args: ['--slow'], sentence: "Unknown option '--slow'" },
  { args: ['P1'], sentence: "Unexpected argument 'P1'" },
])('refuses $args', ({ args, sentence }) => {
  expect(() => parseBenchOptions(args, KNOWN)).toThrow(BenchUsageError);
  expect(() => parseBenchOptions(args, KNOWN)).toThrow(sentence);
});
