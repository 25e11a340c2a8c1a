import { expect, test } from 'vitest';
import { createEndpointMemory } from './create-endpoint-memory.ts';

const EARLIER = new Date('2026-11-25T02:00:00.000Z');
const LATER = new Date('2026-11-25T02:00:00.001Z');

test('successes are counted for each endpoint, from the last change of its window on', () => {
  const memory = createEndpointMemory();
  expect([1, 2, 3].map(() => memory.countSuccess('a', EARLIER))).toEqual([1, 2, 3]);
  expect(memory.countSuccess('b', EARLIER)).toBe(1);
  expect(memory.countSuccess('a', LATER)).toBe(1);
  // One that began under the earlier window and ends only now.
  expect(memory.countSuccess('a', EARLIER)).toBe(0);
  expect(memory.countSuccess('a', LATER)).toBe(2);
});

test('a failure is remembered until a success was noted', () => {
  const memory = createEndpointMemory();
  memory.noteFailure('a');
  expect([memory.hasFailed('a'), memory.hasFailed('b')]).toEqual([true, false]);
  memory.countSuccess('a', EARLIER);
  expect(memory.hasFailed('a')).toBe(true);
  memory.forgiveFailure('a');
  memory.forgiveFailure('unknown');
  expect(memory.hasFailed('a')).toBe(false);
});

test('of more endpoints than fit the idlest is forgotten', () => {
  const memory = createEndpointMemory(2);
  memory.noteFailure('a');
  memory.noteFailure('b');
  memory.countSuccess('a', EARLIER);
  memory.noteFailure('c');
  expect(['a', 'b', 'c'].map((id) => memory.hasFailed(id))).toEqual([true, false, true]);
  expect(memory.countSuccess('a', EARLIER)).toBe(2);
});
