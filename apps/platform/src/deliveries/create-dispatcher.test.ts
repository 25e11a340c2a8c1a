import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../database/create-database.ts';
import type { DeliveryJobData, DeliveryJobRequest } from '../queue/delivery-job.ts';
import { createDispatcher } from './create-dispatcher.ts';

const WAIT_MS = 100;
const job: DeliveryJobData = {
  deliveryId: '0123456789abcdef01234567',
  generation: 1,
  orderId: '0123456789abcdef01234568',
  version: 1,
  status: 'pending',
  endpointHost: '127.0.0.1:9',
};
const lane = { endpointId: '0123456789abcdef01234569', orderId: job.orderId };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A dispatcher whose adds end as the test says, first add first. */
function createSubject(
  pool: Pick<Database['pool'], 'query'> = { query: () => Promise.reject(new Error('unused')) },
) {
  const added: (readonly DeliveryJobRequest[])[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const warnings: string[] = [];
  const queue = {
    add(jobs: readonly DeliveryJobRequest[]) {
      added.push(jobs);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      return answer.promise;
    },
  };
  const logger = pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line).msg) });
  const metrics = { countFinished: () => undefined };
  const database = { pool: pool as Database['pool'] };
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: WAIT_MS });
  return { dispatcher, added, answers, warnings };
}

/** Whether the promise has resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return done;
}

test('a caller waits for the queue', async () => {
  const { dispatcher, added, answers } = createSubject();
  const dispatched = dispatcher.dispatch({ jobs: [job], lanes: [] });
  expect(await isDone(dispatched)).toBe(false);
  answers[0]?.resolve();
  expect(await isDone(dispatched)).toBe(true);
  expect(added).toEqual([[{ data: job, delayMs: 0 }]]);
});

test('but no longer than its limit; what takes longer goes on behind it', async () => {
  const { dispatcher, added, answers } = createSubject();
  const dispatched = dispatcher.dispatch({ jobs: [job], lanes: [] });
  await vi.advanceTimersByTimeAsync(WAIT_MS - 1);
  expect(await isDone(dispatched)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await isDone(dispatched)).toBe(true);

  const drained = dispatcher.drain();
  expect(await isDone(drained)).toBe(false);
  // What is merely slow is no reason to leave the queue alone.
  void dispatcher.dispatch({ jobs: [job], lanes: [] });
  expect(added).toHaveLength(2);
  answers[0]?.resolve();
  expect(await isDone(drained)).toBe(false);
  answers[1]?.resolve();
  expect(await isDone(drained)).toBe(true);
});

test('an add that failed is logged once, fails nobody, and the queue is left alone for five seconds', async () => {
  const { dispatcher, added, answers, warnings } = createSubject();
  const both = [
    dispatcher.dispatch({ jobs: [job], lanes: [] }),
    dispatcher.dispatch({ jobs: [job], lanes: [] }),
  ];
  for (const answer of answers) answer.reject(new Error('away'));
  await Promise.all(both);
  expect(warnings).toEqual(['Delivery queue is away: the relay will add its jobs']);

  await dispatcher.dispatch({ jobs: [job], lanes: [] });
  await vi.advanceTimersByTimeAsync(4_999);
  await dispatcher.dispatch({ jobs: [job], lanes: [] });
  expect(added).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  void dispatcher.dispatch({ jobs: [job], lanes: [] });
  expect(added).toHaveLength(3);
});

test('a look that failed is logged and fails nobody', async () => {
  const { dispatcher, warnings } = createSubject({ query: () => Promise.reject(new Error('away')) });
  expect(await isDone(dispatcher.dispatch({ jobs: [], lanes: [lane] }))).toBe(true);
  expect(warnings).toEqual(['Promotion failed: the relay will look again']);
});

test('what the relay adds may fail, and is not held back', async () => {
  const { dispatcher, added, answers } = createSubject();
  const request = { data: job, delayMs: 0 };
  const failed = dispatcher.add([request]);
  answers[0]?.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  void dispatcher.add([request]);
  expect(added).toHaveLength(2);
});

test('nothing to hand over asks nobody', async () => {
  const { dispatcher, added } = createSubject();
  await dispatcher.dispatch({ jobs: [], lanes: [] });
  expect(added).toEqual([]);
});
