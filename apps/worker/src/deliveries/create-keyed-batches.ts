import { setImmediate as endOfTurn } from 'node:timers/promises';

export interface KeyedBatches<Item> {
  /** Resolves or rejects as the batch does that the item went with. */
  hand(key: string, item: Item): Promise<void>;
}

interface Batch<Item> {
  readonly items: [Item, ...Item[]];
  readonly end: PromiseWithResolvers<void>;
}

/**
 * Works on the items of a key one batch at a time: those of one turn of the event loop together and at once, and what is
 * handed over meanwhile together, when that is done. However many items a key has at once, it takes one connection, and no other key waits for it.
 *
 * @param work gets the items in the order in which they were handed over
 */
export function createKeyedBatches<Item>(
  work: (key: string, items: readonly [Item, ...Item[]]) => Promise<void>,
): KeyedBatches<Item> {
  const next = new Map<string, Batch<Item>>();
  const busy = new Set<string>();

  async function workOff(key: string): Promise<void> {
    busy.add(key);
    await endOfTurn();
    for (let batch = next.get(key); batch !== undefined; batch = next.get(key)) {
      next.delete(key);
      await work(key, batch.items).then(batch.end.resolve, batch.end.reject);
    }
    busy.delete(key);
  }

  return {
    hand(key, item) {
      const waiting = next.get(key);
      if (waiting !== undefined) {
        waiting.items.push(item);
        return waiting.end.promise;
      }
      const batch: Batch<Item> = { items: [item], end: Promise.withResolvers() };
      next.set(key, batch);
      if (!busy.has(key)) void workOff(key);
      return batch.end.promise;
    },
  };
}
