import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCachedReader } from './create-cached-reader.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A reader of a source that is in the test's hands. */
function createSubject() {
  const answers: PromiseWithResolvers<number>[] = [];
  const read = createCachedReader(
    () => {
      const answer = Promise.withResolvers<number>();
      answers.push(answer);
      return answer.promise;
    },
    { maxAgeMs: 5_000, waitMs: 1_000, now: () => Date.now() },
  );
  return { read, answers };
}

test('reads once for all who ask, and again when the value is old', async () => {
  const { read, answers } = createSubject();
  const asked = Promise.all([read(), read(), read()]);
  answers[0]?.resolve(1);
  expect(await asked).toMatchObject([{ value: 1 }, { value: 1 }, { value: 1 }]);
  vi.advanceTimersByTime(4_999);
  expect(await read()).toMatchObject({ value: 1, ageMs: 4_999 });
  expect(answers).toHaveLength(1);

  vi.advanceTimersByTime(1);
  const later = read();
  answers[1]?.resolve(2);
  expect(await later).toMatchObject({ value: 2, ageMs: 0 });
});

test('gives the last value, and its age, while the source hangs, and asks it once only', async () => {
  const { read, answers } = createSubject();
  const first = read();
  answers[0]?.resolve(1);
  const readAtSeconds = (await first)?.readAtSeconds;
  vi.advanceTimersByTime(60_000);
  for (const ageMs of [61_000, 62_000]) {
    const asked = read();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await asked).toEqual({ value: 1, ageMs, readAtSeconds });
  }
  expect(answers).toHaveLength(2);
  answers[1]?.resolve(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(await read()).toMatchObject({ value: 2, ageMs: 0 });
});

test('gives nothing before anything was read, and asks again after an error', async () => {
  const { read, answers } = createSubject();
  const failed = read();
  answers[0]?.reject(new Error('away'));
  expect(await failed).toBeNull();
  const again = read();
  answers[1]?.resolve(1);
  expect(await again).toMatchObject({ value: 1 });
});
