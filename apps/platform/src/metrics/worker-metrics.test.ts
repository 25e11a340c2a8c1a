import { expect, test } from 'vitest';
import { toResponseClass } from './worker-metrics.ts';

test.each([
  [200, '2xx'],
  [302, '3xx'],
  [499, '4xx'],
  [599, '5xx'],
  [600, 'none'],
  [99, 'none'],
  [null, 'none'],
])('a response status of %j is of class %j', (status, expected) => {
  expect(toResponseClass(status)).toBe(expected);
});
