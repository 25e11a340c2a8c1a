/**
 * Counts how often each caller did something, in windows of fixed length that begin with its first use.
 *
 * Counting never waits. A use is counted in this process at once and told to the other processes right after,
 * together with all uses since the last time: one command each 20 ms at most, however many requests there are.
 * That costs 0.2 µs of this process's CPU a use; a command for each use would cost 16 µs and a round trip. So
 * processes know of each other's uses about 20 ms late, and a limit may be passed by what all of them take in
 * that time.
 *
 * Without Redis, or while it is away or hangs, each process goes by what it knew last and its own count: limits
 * hold per process, and nobody is refused for an outage. Without a connection, uses are kept until there is one
 * or their window ends. Uses whose telling failed are not told again: after a time-out they may have been
 * counted, and a caller must not be charged twice.
 */
import type { Logger } from 'pino';
import type { NewUses, SharedCount, SharedCounts } from './shared-counts.ts';

export interface UseCount {
  /** In this window, this use included. */
  readonly used: number;
  /** Until the count starts again; above 0. */
  readonly endsInMs: number;
}

export interface UseCounter {
  /** @param key what is limited and whose uses these are; holds no secret */
  count(key: string, windowMs: number): UseCount;
  close(): void;
}

interface Window {
  readonly key: string;
  readonly windowMs: number;
  /** By the monotonic clock; the shared window's end once it is known. */
  endsAt: number;
  /** Uses in this process. */
  own: number;
  /** Of these, not told yet; and told, but not answered yet. */
  untold: number;
  inFlight: number;
  /** Of all processes, as of the last answer. */
  shared: number;
}

const TELL_INTERVAL_MS = 20;
/** After an error Redis is left alone for this long. */
const RETRY_INTERVAL_MS = 1_000;
/** Without a connection nothing is sent; how often that is looked at, and how long it goes without saying. */
const CONNECTION_CHECK_MS = 100;
const CONNECTION_PATIENCE_MS = 2_000;
/** Counted by one script: about 2 ms of Redis. */
const MAX_TOLD_AT_ONCE = 1_000;
/** About 20 MB. Beyond it the oldest windows are dropped: who can make so many keys is not stopped by counting. */
const MAX_WINDOWS = 100_000;

export interface UseCounterOptions {
  /** Null counts in this process alone. */
  readonly shared: SharedCounts | null;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

export function createUseCounter({
  shared,
  logger,
  now = () => performance.now(),
}: UseCounterOptions): UseCounter {
  /** Oldest first. */
  const windows = new Map<string, Window>();
  const untold = new Set<Window>();
  let timer: NodeJS.Timeout | null = null;
  let isTelling = false;
  let isAway = false;
  let isClosed = false;
  let tellAgainAt = 0;
  let unconnectedSince: number | null = null;

  function openWindow(key: string, windowMs: number, at: number): Window {
    windows.delete(key);
    for (const [oldest, { endsAt }] of windows) {
      if (endsAt > at && windows.size < MAX_WINDOWS) break;
      windows.delete(oldest);
    }
    const window = { key, windowMs, endsAt: at + windowMs, own: 0, untold: 0, inFlight: 0, shared: 0 };
    windows.set(key, window);
    return window;
  }

  function scheduleTelling(): void {
    if (shared === null || isClosed || isTelling || timer !== null || untold.size === 0) return;
    timer = setTimeout(() => void tell(shared), Math.max(0, tellAgainAt - now())).unref();
  }

  function sayAway(error: unknown): void {
    if (!isAway && !isClosed)
      logger.warn({ err: error }, 'Redis is away: rate limits are counted per process');
    isAway = true;
  }

  function waitForConnection(): void {
    unconnectedSince ??= now();
    if (now() - unconnectedSince > CONNECTION_PATIENCE_MS) sayAway(new Error('no connection to Redis'));
    tellAgainAt = now() + CONNECTION_CHECK_MS;
    scheduleTelling();
  }

  async function tell(counts: SharedCounts): Promise<void> {
    timer = null;
    if (!counts.isConnected()) return waitForConnection();
    unconnectedSince = null;
    isTelling = true;
    const told = takeUntold();
    try {
      const answers = await counts.add(told.map(toNewUses));
      for (const [index, window] of told.entries()) learn(window, answers[index]);
      if (isAway) logger.info('Rate limits are counted over all processes again');
      isAway = false;
      tellAgainAt = now() + TELL_INTERVAL_MS;
    } catch (error) {
      sayAway(error);
      tellAgainAt = now() + RETRY_INTERVAL_MS;
    }
    for (const window of told) window.inFlight = 0;
    isTelling = false;
    scheduleTelling();
  }

  function learn(window: Window, answer: SharedCount | undefined): void {
    if (answer === undefined) return;
    const endsAt = now() + answer.endsInMs;
    // The shared window ended before this one knew it did, and what was told began the next.
    if (endsAt - window.endsAt > window.windowMs / 2) window.own = window.inFlight + window.untold;
    window.shared = answer.used;
    window.endsAt = endsAt;
  }

  function takeUntold(): Window[] {
    const taken: Window[] = [];
    for (const window of untold) {
      untold.delete(window);
      // What is left of a window that ended belongs to no window any more.
      if (windows.get(window.key) !== window || window.endsAt <= now()) continue;
      window.inFlight = window.untold;
      window.untold = 0;
      if (taken.push(window) === MAX_TOLD_AT_ONCE) break;
    }
    return taken;
  }

  return {
    count(key, windowMs) {
      const at = now();
      let window = windows.get(key);
      if (window === undefined || window.endsAt <= at) window = openWindow(key, windowMs, at);
      window.own += 1;
      if (shared !== null) {
        window.untold += 1;
        untold.add(window);
        scheduleTelling();
      }
      const known = window.shared + window.inFlight + window.untold;
      // A Redis that was emptied knows of less than happened here.
      return { used: Math.max(window.own, known), endsInMs: window.endsAt - at };
    },
    close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      untold.clear();
      shared?.close();
    },
  };
}

function toNewUses({ key, inFlight, windowMs }: Window): NewUses {
  return { key, count: inFlight, windowMs };
}
