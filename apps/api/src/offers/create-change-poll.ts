/**
 * Finds changes of orders, and declines, that no event told this process of, with two statements each few
 * seconds, however many streams there are.
 *
 * It walks the transitions by `seq`, which is their order of insertion and not of commit: one that commits late
 * appears below others that were seen before. So each look begins where the looks of 30 s ago ended, twice the
 * time after which a statement is cut off, and what it shows again is told apart by order and version. Declines
 * are walked by their time, as far back. The cost follows what happened in the last half minute: with 30 000
 * changes of offers in it about 0.1 s of the database and 15 ms of this process. While nobody listens, only the end
 * is looked up: a stream begins with what has committed by then, and the next look goes back 30 s.
 */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Logger } from 'pino';
import { findDeclinesOfLast, findOfferChangesSince } from './offer-changes-sql.ts';
import type { OfferChange, OfferEvents } from './offer-events.ts';

export type ChangePollOptions = {
  executor: SqlExecutor;
  /** Of this process: heard, and told of what they missed. */
  events: OfferEvents;
  intervalMs: number;
  logger: Pick<Logger, 'warn'>;
  lateCommitMs?: number;
  now?: () => number;
};

export type ChangePoll = {
  /** Looks without waiting for the next time. */
  lookNow(): void;
  /** Resolves when no look is under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
};

/** Longer than the longest statement, with time to commit. */
const LATE_COMMIT_MS = 30_000;

export function createChangePoll({
  executor,
  events,
  intervalMs,
  logger,
  lateCommitMs = LATE_COMMIT_MS,
  now = () => performance.now(),
}: ChangePollOptions): ChangePoll {
  /** Where each look ended, oldest first; the first is where the next one begins. */
  const ends: { seq: number; at: number }[] = [];
  let heard = new Set<string>();
  let heardBefore = new Set<string>();
  let heardSince = now();
  let declinesSeenAt = now();
  let looking: Promise<void> | null = null;
  let isWanted = false;
  let isClosed = false;
  let hasFailed = false;

  function isHeard(change: OfferChange): boolean {
    const key = toKey(change);
    return heard.has(key) || heardBefore.has(key);
  }

  /** Each is remembered for at least as long as a look goes back. */
  function forget(): void {
    if (now() - heardSince < lateCommitMs + 3 * intervalMs) return;
    heardBefore = heard;
    heard = new Set();
    heardSince = now();
  }

  async function look(): Promise<void> {
    forget();
    const isAwake = events.isAnybodyAwake();
    const { end, changes } = await findOfferChangesSince(executor, isAwake ? (ends[0]?.seq ?? null) : null);
    const at = now();
    ends.push({ seq: end, at });
    while (ends[1] !== undefined && at - ends[1].at > lateCommitMs) ends.shift();
    for (const change of changes) publishMissed({ kind: 'order', ...change });

    // As far back as the last look that succeeded, after a time in which there was none, too.
    const declines = isAwake ? await findDeclinesOfLast(executor, at - declinesSeenAt + lateCommitMs) : [];
    declinesSeenAt = at;
    for (const decline of declines) publishMissed({ kind: 'decline', ...decline });
  }

  function publishMissed(change: OfferChange): void {
    // Published, it is heard.
    if (!isHeard(change)) events.publish(change);
  }

  async function lookUntilDone(): Promise<void> {
    do {
      isWanted = false;
      try {
        await look();
        hasFailed = false;
      } catch (error) {
        if (!hasFailed && !isClosed) logger.warn({ err: error }, 'Could not look for missed offer changes');
        hasFailed = true;
      }
    } while (isWanted);
    looking = null;
  }

  function lookNow(): void {
    if (isClosed) return;
    isWanted = true;
    looking ??= lookUntilDone();
  }

  const unsubscribe = events.subscribe(
    (change) => {
      if (change.kind !== 'vendor') heard.add(toKey(change));
    },
    () => false,
  );
  const timer = setInterval(lookNow, intervalMs).unref();
  lookNow();

  return {
    lookNow,
    idle: async () => {
      await looking;
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      unsubscribe();
      await looking;
    },
  };
}

function toKey(change: OfferChange): string {
  return change.kind === 'order'
    ? `${change.orderId} ${change.version}`
    : `${change.kind} ${change.vendorId} ${change.kind === 'decline' ? change.orderId : ''}`;
}
