import { expect, test } from 'vitest';
import { findLeaks } from './find-leaks.ts';

const SECRET = 'k7"Zr-q2Vx/9Lm+fT0ybWc3d';
const leaksOf = (text: string) => findLeaks({ log: text }, { key: SECRET });

test.each([
  `a ${SECRET} b`,
  `a ${SECRET.slice(0, 12)}…`,
  `…${SECRET.slice(-12)} b`,
  Buffer.from(SECRET).toString('hex'),
  ...['', 'a', 'ab', 'abc', 'user:'].map((before) => Buffer.from(`${before}${SECRET}z`).toString('base64')),
  Buffer.from(SECRET).toString('base64url'),
  encodeURIComponent(SECRET),
  JSON.stringify({ body: JSON.stringify({ SECRET }) }),
])('finds a secret in %j', (text) => {
  expect(leaksOf(text)).toHaveLength(1);
});

test.each(['', SECRET.slice(0, 11), 'nothing'])('finds none in %j', (text) => {
  expect(leaksOf(text)).toEqual([]);
});

test('refuses to look for what is too short to be told from other text', () => {
  expect(() => findLeaks({}, { key: 'short-secret' })).toThrow('key');
});
