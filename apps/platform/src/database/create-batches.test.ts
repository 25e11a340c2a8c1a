import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createBatches } from './create-batches.ts';

/** Batches whose work ends when the test says so; each item's result is the item as text. */
function setUp({ maxItems = 100, maxUnderWay = 1 } = {}) {
  const begun: { readonly items: readonly number[]; end(): void; fail(): void; endShort(): void }[] = [];
  const batches = createBatches<number, string>({
    maxItems,
    maxUnderWay,
    work(items) {
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      begun.push({
        items,
        end: () => resolve(items.map(String)),
        fail: () => reject(new Error('away')),
        endShort: () => resolve([]),
      });
      return promise;
    },
  });
  const seen = () => begun.map(({ items }) => items);
  return { begun, batches, seen };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what is handed over in one turn goes together and at once; each gets its own result', async () => {
  const { begun, batches, seen } = setUp();
  const results = [1, 2, 3].map((item) => batches.hand(item));
  await turn();
  expect(seen()).toEqual([[1, 2, 3]]);
  begun[0]?.end();
  expect(await Promise.all(results)).toEqual(['1', '2', '3']);
});

test('what comes while one is under way goes with the next, in order, which begins when that has ended', async () => {
  const { begun, batches, seen } = setUp({ maxUnderWay: 2 });
  for (const item of [1, 2, 3]) {
    void batches.hand(item);
    await turn();
  }
  expect(seen()).toEqual([[1]]);
  begun[0]?.end();
  await turn();
  await turn();
  expect(seen()).toEqual([[1], [2, 3]]);
});

test('one that takes long holds up the next for some milliseconds, and as many as may be hold up all', async () => {
  const { begun, batches, seen } = setUp({ maxUnderWay: 2 });
  void batches.hand(1);
  await turn();
  void batches.hand(2);
  await expect.poll(seen).toEqual([[1], [2]]);
  void batches.hand(3);
  await delay(50);
  expect(seen()).toEqual([[1], [2]]);
  begun[1]?.end();
  await expect.poll(seen).toEqual([[1], [2], [3]]);
});

test('a full batch waits for none that is under way', async () => {
  const { batches, seen } = setUp({ maxItems: 2, maxUnderWay: 2 });
  void batches.hand(1);
  await turn();
  void batches.hand(2);
  void batches.hand(3);
  await turn();
  expect(seen()).toEqual([[1], [2, 3]]);
});

test('a batch is no larger than it may be', async () => {
  const { begun, batches, seen } = setUp({ maxItems: 2, maxUnderWay: 2 });
  for (const item of [1, 2, 3, 4, 5]) void batches.hand(item);
  await turn();
  expect(seen()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  begun[0]?.end();
  await expect.poll(() => seen().at(-1)).toEqual([5]);
});

test('a batch that fails, or gives too few results, fails what went with it and nothing else', async () => {
  const { begun, batches, seen } = setUp();
  const failed = [1, 2].map((item) =>
    batches.hand(item).catch((error: unknown) => (error instanceof Error ? error.message : '')),
  );
  await turn();
  const next = batches.hand(3);
  begun[0]?.fail();
  expect(await Promise.all(failed)).toEqual(['away', 'away']);
  await turn();
  expect(seen()).toEqual([[1, 2], [3]]);
  begun[1]?.end();
  expect(await next).toBe('3');

  const short = batches.hand(4);
  await turn();
  begun[2]?.endShort();
  await expect(short).rejects.toThrow('a batch of 1 gave 0 results');
});
