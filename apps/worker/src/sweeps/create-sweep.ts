/**
 * Removes what is over for longer than it is kept, in short batches, one after the other, until nothing is left that may
 * go. That is one sweep. What holds, whoever does it and wherever it is cut off:
 *
 * - *A batch is one transaction* that waits for nobody else's row, or hardly: what is locked is passed by, and found by the
 *   next sweep. Where it does wait it gives up after a second. So nobody waits for it for longer than it takes.
 * - *It takes a bounded share of the database*: after each batch it pauses for several times as long as that took.
 * - *Its cost follows what is old enough*, not what is kept: each kind is looked at in the order in which it ended, from
 *   the oldest on, and what may not go yet is passed by once a sweep.
 * - *Nothing is remembered that matters.* Where a sweep stands is in this process's memory; another one begins anew, and
 *   finds gone what was removed. Two at once do no harm.
 *
 * The order of the kinds: a replay goes after its deliveries, an order after the idempotency keys of its time.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import {
  retryTransient,
  type SqlExecutor,
  withTransaction,
} from '@vendor-server/platform/database/sql-executor.ts';
import {
  REMOVABLE_KINDS,
  type RemovableKind,
  type RetentionMetrics,
} from '@vendor-server/platform/metrics/retention-metrics.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';
import type { Logger } from 'pino';
import { sweepOrders } from './sweep-orders.ts';
import { pruneDeliveries, removeDeclines, removeIdempotencyKeys, removeReplays } from './sweep-sql.ts';
import type { SweptBatch } from './swept-batch.ts';

/** How many are looked at in a batch. */
const BATCH = {
  delivery: 500,
  offer_decline: 1_000,
  replay: 100,
  idempotency_key: 1_000,
  order: 100,
} as const;
/** Three parts of pause for one of work. */
const PAUSE_PER_WORK = 3;
const SHORTEST_PAUSE_MS = 5;
/** Below the idle limit of the lock that a sweep is made under. */
const LONGEST_PAUSE_MS = 5_000;
const LOCK_TIMEOUT_MS = 1_000;
/** A key is promised for a day from its answer, and its row has the time at which the answer was begun. */
const KEY_MARGIN_DAYS = 1 / 24;
const BEGINNING = new Date(0);
const MS = 1;

export interface SweepDeps {
  readonly database: Pick<Database, 'pool'>;
  readonly settings: Pick<Settings, 'retentionDays' | 'retentionOrdersDays'>;
  readonly metrics: RetentionMetrics;
  readonly logger: Logger;
}

interface Step {
  readonly kind: keyof typeof BATCH;
  sweep(fromAt: Date, limit: number): Promise<SweptBatch>;
}

/**
 * Makes a sweep that remembers where it stands; each call is one batch.
 *
 * @returns gives the pause after it in milliseconds; null at the end of the sweep
 */
export function createSweep({
  database,
  settings,
  metrics,
  logger,
}: SweepDeps): () => Promise<number | null> {
  const steps = buildSteps(database, settings);
  let stepIndex = 0;
  let fromAt = BEGINNING;
  let startedAt: number | null = null;
  const removed = new Map<RemovableKind, number>();

  function note(batch: SweptBatch): void {
    for (const kind of REMOVABLE_KINDS) {
      const count = batch.removed[kind] ?? 0;
      metrics.countRemoved(kind, count);
      if (count > 0) removed.set(kind, (removed.get(kind) ?? 0) + count);
    }
  }

  function endSweep(): void {
    if (removed.size > 0) {
      const durationMs = Math.round(performance.now() - (startedAt ?? 0));
      logger.info({ ...Object.fromEntries(removed), durationMs }, 'Retention removed what is over');
    }
    removed.clear();
    stepIndex = 0;
    startedAt = null;
  }

  return async function sweepOn() {
    const step = steps[stepIndex];
    if (step === undefined) throw new Error('a sweep went on after its end');
    const batchStartedAt = performance.now();
    startedAt ??= batchStartedAt;
    const batch = await step.sweep(fromAt, BATCH[step.kind]).catch((error: unknown) => {
      logger.warn({ err: error, kind: step.kind }, 'Retention could not remove all; it will try again');
      return null;
    });
    if (batch !== null) note(batch);
    const next = batch && decideNext(batch);
    fromAt = next ?? BEGINNING;
    if (next === null) stepIndex += 1;
    if (stepIndex === steps.length) {
      endSweep();
      return null;
    }
    const pauseMs = (performance.now() - batchStartedAt) * PAUSE_PER_WORK;
    return Math.min(Math.max(pauseMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
  };
}

/**
 * Where the next batch begins; null when there is none. What ended in the same millisecond as the last one may not have
 * fitted in, so it begins there again, unless nothing of this batch could go: then that may be all there is in that
 * millisecond, and what else there is waits for the next sweep.
 */
function decideNext({ removed, lastAt, isLast }: SweptBatch): Date | null {
  if (isLast || lastAt === null) return null;
  const hasMoved = Object.values(removed).some((count) => count > 0);
  return hasMoved ? lastAt : new Date(lastAt.getTime() + MS);
}

function buildSteps(database: Pick<Database, 'pool'>, settings: SweepDeps['settings']): readonly Step[] {
  const { retentionDays: days, retentionOrdersDays: ordersDays } = settings;
  const inTransaction = (run: (transaction: SqlExecutor) => Promise<SweptBatch>) =>
    retryTransient(() => withTransaction(database.pool, run, { lockTimeoutMs: LOCK_TIMEOUT_MS }));
  const keyDays = Math.min(days, ordersDays ?? days) + KEY_MARGIN_DAYS;
  const steps: Step[] = [
    { kind: 'delivery', sweep: (...at) => inTransaction((client) => pruneDeliveries(client, days, ...at)) },
    {
      kind: 'offer_decline',
      sweep: (...at) => inTransaction((client) => removeDeclines(client, days, ...at)),
    },
    { kind: 'replay', sweep: (...at) => inTransaction((client) => removeReplays(client, days, ...at)) },
    {
      kind: 'idempotency_key',
      sweep: (...at) => inTransaction((client) => removeIdempotencyKeys(client, keyDays, ...at)),
    },
  ];
  if (ordersDays === null) return steps;
  return [...steps, { kind: 'order', sweep: (...at) => sweepOrders(database, ordersDays, ...at) }];
}
