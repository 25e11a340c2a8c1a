import { expect, test } from 'vitest';
import { isOperatorName } from './is-operator-name.ts';

test.each(['Example Operator', 'Example Operatör Ö.', 'night shift 2', 'x'.repeat(100)])(
  '%j is a name',
  (name) => {
    expect(isOperatorName(name)).toBe(true);
  },
);

test.each(['', 'x'.repeat(101), 'a\nb', 'a\0b', '\u007f', '\ufffd', '\ud800'])('%j is no name', (name) => {
  expect(isOperatorName(name)).toBe(false);
});
