import type { Timeline } from './create-timeline.ts';

export interface BatchedWorkOptions {
  readonly timeline: Pick<Timeline, 'now' | 'after'>;
  readonly maxItems: number;
  readonly maxUnderWay: number;
  /** How soon a batch that is not full follows one that is still under way. */
  readonly spacingMs: number;
  /** Works on so many together, then calls `done`. */
  readonly work: (items: number, done: () => void) => void;
  /** Calls when all is done that is ready now: what is handed over until then goes together. */
  readonly atTurnsEnd: (event: () => void) => void;
}

/**
 * What the program's batches do (platform's create-batches.ts): nothing waits for company but to the end of the turn, and
 * what comes while a batch is under way goes with the next, which begins when that one has ended, lasts, or it is full.
 *
 * @returns hands one item over; `done` is called when the batch is that it went with
 */
export function createBatchedWork(options: BatchedWorkOptions): (done: () => void) => void {
  const { timeline, maxItems, maxUnderWay, spacingMs, work, atTurnsEnd } = options;
  let waiting: (() => void)[] = [];
  let underWay = 0;
  let lastBegunAt = Number.NEGATIVE_INFINITY;
  let isScheduled = false;
  let isPaused = false;

  const isReady = () =>
    underWay === 0 || waiting.length >= maxItems || timeline.now() >= lastBegunAt + spacingMs;

  function schedule(): void {
    if (isScheduled || waiting.length === 0 || underWay >= maxUnderWay) return;
    if (isReady()) {
      isScheduled = true;
      atTurnsEnd(() => {
        isScheduled = false;
        while (waiting.length > 0 && underWay < maxUnderWay && isReady()) begin();
        schedule();
      });
    } else if (!isPaused) {
      isPaused = true;
      timeline.after(lastBegunAt + spacingMs - timeline.now(), () => {
        isPaused = false;
        // Whatever the sum of the times is rounded to.
        lastBegunAt = Number.NEGATIVE_INFINITY;
        schedule();
      });
    }
  }

  function begin(): void {
    const batch = waiting.slice(0, maxItems);
    waiting = waiting.slice(maxItems);
    underWay += 1;
    lastBegunAt = timeline.now();
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
