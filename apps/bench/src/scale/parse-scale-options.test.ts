import { expect, test } from 'vitest';
import { parseScaleOptions, ScaleUsageError } from './parse-scale-options.ts';

test('a load is read from its orders a day, and told to each endpoint', () => {
  const options = parseScaleOptions(['--orders-per-day', '86400', '--peak', '2', '--endpoints', '4']);
  expect(options?.load).toMatchObject({ changesPerSecond: 14, endpointsPerChange: 4, busiestShare: 0.25 });
});

test.each([[['--peak', '0.5']], [['--endpoints', '1.5']], [['--answer', 'soon']], [['--unknown']]])(
  'refuses %j',
  (args) => {
    expect(() => parseScaleOptions(args)).toThrow(ScaleUsageError);
  },
);

test('gives nothing when help was asked for', () => {
  expect(parseScaleOptions(['--help'])).toBeNull();
});
