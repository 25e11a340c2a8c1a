import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createKeyedBatches } from './create-keyed-batches.ts';

/** Batches whose work ends when the test says so. */
function setUp() {
  const begun: { readonly key: string; readonly items: readonly number[]; end(error?: Error): void }[] = [];
  const batches = createKeyedBatches<number>((key, items) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    begun.push({ key, items: [...items], end: (error) => (error ? reject(error) : resolve()) });
    return promise;
  });
  return { begun, batches };
}

test('what comes in one turn is worked on at once, what comes meanwhile together and in order', async () => {
  const { begun, batches } = setUp();
  const ends = [-1, 0].map((item) => batches.hand('a', item));
  await nextTurn();
  expect(begun).toMatchObject([{ key: 'a', items: [-1, 0] }]);
  ends.push(...[1, 2, 3].map((item) => batches.hand('a', item)));
  await nextTurn();
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  await Promise.all(ends.slice(0, 2));
  await expect.poll(() => begun).toMatchObject([{ items: [-1, 0] }, { items: [1, 2, 3] }]);
  ends.push(batches.hand('a', 4));
  begun[1]?.end();
  await Promise.all(ends.slice(2, 5));
  await expect.poll(() => begun.at(-1)).toMatchObject({ items: [4] });
  begun[2]?.end();
  await ends[5];
});

test('keys do not wait for each other', async () => {
  const { begun, batches } = setUp();
  void batches.hand('a', 1);
  void batches.hand('b', 2);
  await nextTurn();
  expect(begun.map(({ key }) => key)).toEqual(['a', 'b']);
});

test('a batch that fails fails what went with it and nothing else', async () => {
  const { begun, batches } = setUp();
  const first = batches.hand('a', 1);
  await nextTurn();
  const second = batches.hand('a', 2);
  begun[0]?.end(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await expect.poll(() => begun.length).toBe(2);
  begun[1]?.end();
  await second;
  const third = batches.hand('a', 3);
  await expect.poll(() => begun.length).toBe(3);
  begun[2]?.end();
  await third;
});
