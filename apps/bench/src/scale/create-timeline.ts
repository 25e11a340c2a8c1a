/** Time that passes from one event to the next, as fast as the events can be worked off. */
export interface Timeline {
  /** In ms since the beginning. */
  now(): number;
  /** Calls `event` that much later; events of the same moment in the order in which they were asked for. */
  after(delayMs: number, event: () => void): void;
  /** Works off all events up to that time, and stands there. */
  runUntil(endMs: number): void;
}

interface Entry {
  readonly at: number;
  /** Tells events of one moment apart. */
  readonly order: number;
  readonly event: () => void;
}

const isEarlier = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order);

export function createTimeline(): Timeline {
  /** A heap: each entry is earlier than the two at 2n + 1 and 2n + 2. */
  const heap: Entry[] = [];
  let nowMs = 0;
  let asked = 0;

  function add(entry: Entry): void {
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isEarlier(parent, entry)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  function takeFirst(): Entry | undefined {
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isEarlier(right, left);
      const below = isRight ? right : left;
      if (isEarlier(last, below)) break;
      heap[at] = below;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
    return first;
  }

  return {
    now: () => nowMs,
    after(delayMs, event) {
      asked += 1;
      add({ at: nowMs + delayMs, order: asked, event });
    },
    runUntil(endMs) {
      for (let next = heap[0]; next !== undefined && next.at <= endMs; next = heap[0]) {
        takeFirst();
        nowMs = next.at;
        next.event();
      }
      nowMs = endMs;
    },
  };
}
