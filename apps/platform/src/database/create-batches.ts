/**
 * Puts what many ask for at about the same time into one statement each: a statement for fifty costs hardly more than
 * one for one, and the cost of statements is what a busy process spends most on.
 *
 * Nothing waits for company. What is handed over in one turn of the event loop goes together, at once; while
 * `maxUnderWay` batches are under way, what comes meanwhile goes with the next. So an idle process has batches of one,
 * and a busy one has larger ones the busier it is.
 */

export interface Batches<Item, Result> {
  /** Resolves with the item's own result; rejects as the batch does that it went with. */
  hand(item: Item): Promise<Result>;
}

export interface BatchesOptions<Item, Result> {
  /** Gets the items in the order in which they were handed over, and gives a result for each in that order. */
  readonly work: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly maxItems: number;
  readonly maxUnderWay: number;
}

interface Handed<Item, Result> {
  readonly item: Item;
  readonly result: PromiseWithResolvers<Result>;
}

export function createBatches<Item, Result>({
  work,
  maxItems,
  maxUnderWay,
}: BatchesOptions<Item, Result>): Batches<Item, Result> {
  let waiting: Handed<Item, Result>[] = [];
  let underWay = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || waiting.length === 0 || underWay >= maxUnderWay) return;
    isScheduled = true;
    // After everything that has arrived at the sockets in this turn.
    setImmediate(() => {
      isScheduled = false;
      while (waiting.length > 0 && underWay < maxUnderWay) {
        const batch = waiting.slice(0, maxItems);
        waiting = waiting.slice(maxItems);
        void workOff(batch);
      }
    });
  }

  async function workOff(batch: readonly Handed<Item, Result>[]): Promise<void> {
    underWay += 1;
    try {
      const results = await work(batch.map(({ item }) => item));
      if (results.length !== batch.length)
        throw new Error(`a batch of ${batch.length} gave ${results.length} results`);
      results.forEach((result, index) => batch[index]?.result.resolve(result));
    } catch (error) {
      for (const { result } of batch) result.reject(error);
    } finally {
      underWay -= 1;
      schedule();
    }
  }

  return {
    hand(item) {
      const handed = { item, result: Promise.withResolvers<Result>() };
      waiting.push(handed);
      schedule();
      return handed.result.promise;
    },
  };
}

export interface Singles<Item, Result> extends Batches<Item, Result> {
  /** Whether the next one would stand in line. */
  isFull(): boolean;
}

/** Works on each item alone, so many at a time: for statements that may wait, and keep a connection meanwhile. */
export function createSingles<Item, Result>(
  work: (item: Item) => Promise<Result>,
  maxUnderWay: number,
): Singles<Item, Result> {
  const singles = createBatches<Item, Result>({
    work: (items) => Promise.all(items.map(work)),
    maxItems: 1,
    maxUnderWay,
  });
  let handed = 0;
  return {
    isFull: () => handed >= maxUnderWay,
    async hand(item) {
      handed += 1;
      try {
        return await singles.hand(item);
      } finally {
        handed -= 1;
      }
    },
  };
}
