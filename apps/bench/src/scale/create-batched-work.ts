export interface BatchedWorkOptions {
  readonly maxItems: number;
  readonly maxUnderWay: number;
  /** Works on so many together, then calls `done`. */
  readonly work: (items: number, done: () => void) => void;
  /** Calls when all is done that is ready now: what is handed over until then goes together. */
  readonly atTurnsEnd: (event: () => void) => void;
}

/**
 * What the program's batches do (platform's create-batches.ts): nothing waits for company but to the end of the turn, and
 * what comes while so many batches are under way goes with the next.
 *
 * @returns hands one item over; `done` is called when the batch is that it went with
 */
export function createBatchedWork(options: BatchedWorkOptions): (done: () => void) => void {
  const { maxItems, maxUnderWay, work, atTurnsEnd } = options;
  let waiting: (() => void)[] = [];
  let underWay = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || waiting.length === 0 || underWay >= maxUnderWay) return;
    isScheduled = true;
    atTurnsEnd(() => {
      isScheduled = false;
      while (waiting.length > 0 && underWay < maxUnderWay) begin();
    });
  }

  function begin(): void {
    const batch = waiting.slice(0, maxItems);
    waiting = waiting.slice(maxItems);
    underWay += 1;
    work(batch.length, () => {
      underWay -= 1;
      schedule();
      for (const done of batch) done();
    });
  }

  return (done) => {
    waiting.push(done);
    schedule();
  };
}
