import type pg from 'pg';
import { expect, test } from 'vitest';
import { createWatchedExecutor } from './create-watched-executor.ts';

/** A pool whose answers the test gives by hand, and a clock it moves. */
function createSubject() {
  let time = 0;
  const answers: PromiseWithResolvers<unknown>[] = [];
  const pool = {
    query() {
      const answer = Promise.withResolvers<unknown>();
      answers.push(answer);
      return answer.promise;
    },
  } as unknown as pg.Pool;
  const executor = createWatchedExecutor(pool, () => time);
  const advance = (ms: number) => {
    time += ms;
  };
  return {
    executor,
    advance,
    answerNext: () => answers.shift()?.resolve({ rows: [] }),
    failNext: (error: Error) => answers.shift()?.reject(error),
    /** Time goes by, and every call of each second is answered at once. */
    async live(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        advance(1_000);
        const call = executor.query('select 1');
        answers.shift()?.resolve({ rows: [] });
        await call;
      }
    },
  };
}

test('is not calm until the period has passed once', async () => {
  const { executor, live } = createSubject();
  expect(executor.isCalmFor(5_000)).toBe(false);
  await live(4);
  expect(executor.isCalmFor(5_000)).toBe(false);
  await live(1);
  expect(executor.isCalmFor(5_000)).toBe(true);
});

test('a call under way for over a second is trouble before it ends', async () => {
  const { executor, advance, answerNext, live } = createSubject();
  await live(10);
  const call = executor.query('select 1');
  advance(1_000);
  expect(executor.isCalmFor(5_000)).toBe(true);
  advance(1);
  expect(executor.isCalmFor(5_000)).toBe(false);
  answerNext();
  await call;
  await live(4);
  expect(executor.isCalmFor(5_000)).toBe(false);
  await live(1);
  expect(executor.isCalmFor(5_000)).toBe(true);
});

test('a statement that waits for a lock may take long, but its lost connection is trouble', async () => {
  const { executor, advance, answerNext, failNext, live } = createSubject();
  await live(10);
  const waiting = executor.waiting.query('update');
  advance(1_500);
  expect(executor.isCalmFor(5_000)).toBe(true);
  answerNext();
  await waiting;
  expect(executor.isCalmFor(5_000)).toBe(true);
  const lost = executor.waiting.query('update');
  failNext(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  await expect(lost).rejects.toThrow('reset');
  expect(executor.isCalmFor(5_000)).toBe(false);
});

test('a lost connection is trouble, a refused statement is not', async () => {
  const { executor, failNext, live } = createSubject();
  await live(10);
  const refused = executor.query('insert');
  failNext(Object.assign(new Error('duplicate key'), { code: '23505' }));
  await expect(refused).rejects.toThrow('duplicate key');
  expect(executor.isCalmFor(5_000)).toBe(true);
  const lost = executor.query('select 1');
  failNext(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  await expect(lost).rejects.toThrow('reset');
  expect(executor.isCalmFor(5_000)).toBe(false);
});

test('silence is trouble: nobody asked, or the process was stopped', async () => {
  const { executor, advance, live } = createSubject();
  await live(10);
  advance(2_001);
  expect(executor.isCalmFor(5_000)).toBe(false);
  await live(4);
  expect(executor.isCalmFor(5_000)).toBe(false);
  await live(2);
  expect(executor.isCalmFor(5_000)).toBe(true);
});
