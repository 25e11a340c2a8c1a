import { beforeEach, describe, expect, test } from 'vitest';
import { createMemory, type Found, type Memory } from './create-memory.ts';

const MAX_AGE_MS = 1_000;

let nowMs: number;
let looks: string[];
let answer: () => Promise<Found<string> | null>;
let memory: Memory<string>;

beforeEach(() => {
  nowMs = 0;
  looks = [];
  answer = async () => ({ value: `found by look ${looks.length}`, holdsMs: null });
  memory = createMemory({
    look(key) {
      looks.push(key);
      return answer();
    },
    maxAgeMs: MAX_AGE_MS,
    now: () => nowMs,
  });
});

test('what was found is remembered for its age, counted from before the question', async () => {
  answer = async () => {
    nowMs += 200;
    return { value: 'one', holdsMs: null };
  };
  expect(await memory.find('a')).toBe('one');
  nowMs = MAX_AGE_MS - 1;
  expect(await memory.find('a')).toBe('one');
  expect(looks).toEqual(['a']);
  nowMs = MAX_AGE_MS;
  expect(await memory.find('a')).toBe('one');
  expect(looks).toEqual(['a', 'a']);
});

test('what holds for less is remembered for less', async () => {
  answer = async () => ({ value: 'one', holdsMs: 10 });
  await memory.find('a');
  nowMs = 9;
  await memory.find('a');
  expect(looks).toEqual(['a']);
  nowMs = 10;
  answer = async () => null;
  expect(await memory.find('a')).toBeNull();
});

test('each key has its own', async () => {
  await memory.find('a');
  expect(await memory.find('b')).toBe('found by look 2');
  expect(await memory.find('a')).toBe('found by look 1');
});

test('that there is nothing is asked every time', async () => {
  answer = async () => null;
  expect([await memory.find('a'), await memory.find('a')]).toEqual([null, null]);
  expect(looks).toEqual(['a', 'a']);
});

test('a look-up that fails fails its caller and nobody after', async () => {
  answer = () => Promise.reject(new Error('away'));
  await expect(memory.find('a')).rejects.toThrow('away');
  answer = async () => ({ value: 'one', holdsMs: null });
  expect(await memory.find('a')).toBe('one');
});

describe('after something was forgotten', () => {
  test('everything is looked up again', async () => {
    await memory.find('a');
    memory.forget();
    expect(await memory.find('a')).toBe('found by look 2');
  });

  test('a look-up that began before is believed by nobody who asks after', async () => {
    const before = Promise.withResolvers<Found<string> | null>();
    answer = () => before.promise;
    const first = memory.find('a');
    memory.forget();
    before.resolve({ value: 'taken away', holdsMs: null });
    expect(await first).toBe('taken away');
    answer = async () => null;
    expect(await memory.find('a')).toBeNull();
  });
});

test('it is bounded', async () => {
  for (let n = 0; n < 10_001; n += 1) await memory.find(`key ${n}`);
  await memory.find('key 10000');
  expect(looks).toHaveLength(10_001);
  await memory.find('key 0');
  expect(looks).toHaveLength(10_002);
});
