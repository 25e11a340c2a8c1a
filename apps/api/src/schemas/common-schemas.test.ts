import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { Id, Money } from './common-schemas.ts';

const fits = (schema: TSchema, value: unknown) => Compile(schema).Check(value);

test.each([0, -0, 1, 0.1, 0.07, 1.15, 250, 8.2, 9_999_999_999.99])('%d is money', (value) => {
  expect(fits(Money, value)).toBe(true);
});

test.each([-0.01, 0.001, 1e-7, 0.1 + 0.2, 10_000_000_000, 1e300, Infinity, NaN, '5', null, true])(
  '%j is not money',
  (value) => {
    expect(fits(Money, value)).toBe(false);
  },
);

test('every amount of whole hundredths is money', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (hundredths) => {
      expect(fits(Money, Number(`${hundredths}e-2`))).toBe(true);
    }),
  );
});

test.each(['0190aaaaaaaabbbbbbbbcccc'])('%s is an id', (value) => {
  expect(fits(Id, value)).toBe(true);
});

test.each([
  '',
  '0190AAAAAAAABBBBBBBBCCCC',
  '0190aaaaaaaabbbbbbbbccc',
  '0190aaaaaaaabbbbbbbbccccc',
  '0190aaaaaaaabbbbbbbbccc\n',
])('%j is not an id', (value) => {
  expect(fits(Id, value)).toBe(false);
});
