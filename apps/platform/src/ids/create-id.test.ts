import { describe, expect, test } from 'vitest';
import { createId, createIdGenerator } from './create-id.ts';

describe('createId', () => {
  test('is 24 lower-case hex characters that begin with the time', () => {
    const before = Date.now();
    const id = createId();
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    expect(Number.parseInt(id.slice(0, 12), 16)).toBeGreaterThanOrEqual(before);
  });

  test('rises within one millisecond', () => {
    const next = createIdGenerator(() => 1_700_000_000_000);
    const ids = Array.from({ length: 1_000 }, () => next());
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('rises when the clock is set back', () => {
    let now = 1_700_000_000_000;
    const next = createIdGenerator(() => now);
    const first = next();
    now -= 60_000;
    expect(next() > first).toBe(true);
  });

  test('two generators do not make the same ids in the same millisecond', () => {
    const clock = () => 1_700_000_000_000;
    expect(createIdGenerator(clock)()).not.toBe(createIdGenerator(clock)());
  });
});
