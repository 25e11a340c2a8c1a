import type { Timeline } from './create-timeline.ts';

/** Something that works: at most so much at a time, in the order in which it was asked. */
export interface Worker {
  /** Works for so long, then calls `done`. */
  readonly work: (durationMs: number, done: () => void) => void;
  /** How long it has worked, over all that it does at a time. */
  busyMs(): number;
  /** What waits for its turn. */
  waiting(): number;
}

/** The processors of one machine. */
export interface Processors extends Worker {
  /** A process on them that uses at most so many at a time: 1 for Node and Redis. */
  readonly createProcess: (threads: number) => Worker;
}

/** @param cores how many work at a time */
export function createProcessors(timeline: Timeline, cores: number): Processors {
  const run: Work = (durationMs, done) => timeline.after(durationMs, done);
  const machine = createLine(cores, run);
  return { ...machine, createProcess: (threads) => createLine(threads, machine.work) };
}

type Work = (durationMs: number, done: () => void) => void;

/** First come, first served. */
function createLine(places: number, run: Work): Worker {
  const line: { durationMs: number; done: () => void }[] = [];
  /** Of the line; what stands before it has been served. */
  let first = 0;
  let working = 0;
  let busyMs = 0;

  function begin(durationMs: number, done: () => void): void {
    working += 1;
    run(durationMs, () => {
      working -= 1;
      busyMs += durationMs;
      next();
      done();
    });
  }

  function next(): void {
    const waiting = line[first];
    if (waiting === undefined) return;
    first += 1;
    if (first > 1_000 && first * 2 > line.length) {
      line.splice(0, first);
      first = 0;
    }
    begin(waiting.durationMs, waiting.done);
  }

  return {
    work(durationMs, done) {
      if (working < places) begin(durationMs, done);
      else line.push({ durationMs, done });
    },
    busyMs: () => busyMs,
    waiting: () => line.length - first,
  };
}
