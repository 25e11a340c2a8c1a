import { expect, test } from 'vitest';
import { workTypeOf } from './work-type-of.ts';

test.each([
  [{ workType: 'plumbing', urgency: 'high' }, 'plumbing'],
  [{}, null],
  [{ workType: 7 }, null],
  [{ workType: null }, null],
])('the work type of an order with metadata %j is %j', (metadata, expected) => {
  expect(workTypeOf({ metadata })).toBe(expected);
});
