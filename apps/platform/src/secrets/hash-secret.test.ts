import { expect, test } from 'vitest';
import { hashSecret, secretsEqual } from './hash-secret.ts';

test('hashSecret is the SHA-256 in hex', () => {
  expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test.each([
  ['test-secret-1', 'test-secret-1', true],
  ['test-secret-1', 'test-secret-2', false],
  ['test-secret-1', 'test-secret-10', false],
  ['', '', true],
  ['', 'x', false],
  ['é', 'e', false],
])('secretsEqual(%j, %j) is %j', (left, right, expected) => {
  expect(secretsEqual(left, right)).toBe(expected);
});
