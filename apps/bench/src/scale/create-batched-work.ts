export interface BatchedWorkOptions {
  readonly maxItems: number;
  readonly maxUnderWay: number;
  /** Works on so many together, then calls `done`. */
  readonly work: (items: number, done: () => void) => void;
}

/**
 * What the program's batches do (platform's create-batches.ts): nothing waits for company, and what comes while so many
 * batches are under way goes with the next.
 *
 * @returns hands one item over; `done` is called when the batch is that it went with
 */
export function createBatchedWork({
  maxItems,
  maxUnderWay,
  work,
}: BatchedWorkOptions): (done: () => void) => void {
  let waiting: (() => void)[] = [];
  let underWay = 0;

  function begin(): void {
    if (waiting.length === 0 || underWay >= maxUnderWay) return;
    const batch = waiting.slice(0, maxItems);
    waiting = waiting.slice(maxItems);
    underWay += 1;
    work(batch.length, () => {
      underWay -= 1;
      begin();
      for (const done of batch) done();
    });
  }

  return (done) => {
    waiting.push(done);
    begin();
  };
}
