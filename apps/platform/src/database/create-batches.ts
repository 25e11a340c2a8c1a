/**
 * Puts what many ask for at about the same time into one statement each: a statement for fifty costs hardly more than
 * one for one, and the cost of statements is what a busy process spends most on.
 *
 * Nothing waits for company while nobody works. What is handed over in one turn of the event loop goes together, at once;
 * what comes while a batch is under way goes with the next, which begins when that one ends. So an idle process has batches
 * of one, and a busy one has larger ones the busier it is. What takes long holds up little: the next one begins after
 * `SPACING_MS` although the one before has not ended, and at once when it is full; but for `maxUnderWay`.
 */

/**
 * How soon a batch follows one that is still under way, in milliseconds: longer than most take, so that few run beside
 * each other, which makes each smaller.
 */
const SPACING_MS = 5;

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
  let lastBegunAt = -Infinity;
  let isScheduled = false;
  let pause: NodeJS.Timeout | undefined;

  const isReady = () =>
    underWay === 0 || waiting.length >= maxItems || performance.now() >= lastBegunAt + SPACING_MS;

  function schedule(): void {
    if (isScheduled || waiting.length === 0 || underWay >= maxUnderWay) return;
    if (isReady()) {
      isScheduled = true;
      // After everything that has arrived at the sockets in this turn.
      setImmediate(begin);
    } else {
      pause ??= setTimeout(
        () => {
          pause = undefined;
          schedule();
        },
        // Time goes on since it was asked.
        Math.max(lastBegunAt + SPACING_MS - performance.now(), 1),
      );
    }
  }

  function begin(): void {
    isScheduled = false;
    while (waiting.length > 0 && underWay < maxUnderWay && isReady()) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      void workOff(batch);
    }
    schedule();
  }

  async function workOff(batch: readonly Handed<Item, Result>[]): Promise<void> {
    underWay += 1;
    lastBegunAt = performance.now();
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
