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
  return {
    executor,
    advance: (ms: number) => {
      time += ms;
    },
    answerNext: () => answers.shift()?.resolve({ rows: [] }),
    failNext: (error: Error) => answers.shift()?.reject(error),
  };
}

test('is not calm until the period has passed once', () => {
  const { executor, advance } = createSubject();
  expect(executor.isCalmFor(5_000)).toBe(false);
  advance(4_999);
  expect(executor.isCalmFor(5_000)).toBe(false);
  advance(1);
  expect(executor.isCalmFor(5_000)).toBe(true);
});

test('a call under way for over a second is trouble before it ends', async () => {
  const { executor, advance, answerNext } = createSubject();
  advance(10_000);
  const call = executor.query('select 1');
  advance(1_000);
  expect(executor.isCalmFor(5_000)).toBe(true);
  advance(1);
  expect(executor.isCalmFor(5_000)).toBe(false);
  answerNext();
  await call;
  advance(4_999);
  expect(executor.isCalmFor(5_000)).toBe(false);
  advance(1);
  expect(executor.isCalmFor(5_000)).toBe(true);
});

test('a lost connection is trouble, a refused statement is not', async () => {
  const { executor, advance, failNext } = createSubject();
  advance(10_000);
  const refused = executor.query('insert');
  failNext(Object.assign(new Error('duplicate key'), { code: '23505' }));
  await expect(refused).rejects.toThrow('duplicate key');
  expect(executor.isCalmFor(5_000)).toBe(true);
  const lost = executor.query('select 1');
  failNext(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  await expect(lost).rejects.toThrow('reset');
  expect(executor.isCalmFor(5_000)).toBe(false);
});
