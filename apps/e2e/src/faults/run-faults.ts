import { setTimeout as delay } from 'node:timers/promises';
import { checkHistory } from '../history/check-history.ts';
import { listDuplicates } from '../history/find-duplicates.ts';
import type { FaultSpan, History } from '../history/history.ts';
import { type HistoryIndex, indexHistory, isSuccess, keyOf } from '../history/index-history.ts';
import { createRandom } from '../history/testing/create-random.ts';
import type { Violation } from '../history/violation.ts';
import { clockNow } from '../receiver/received-request.ts';
import { countDisturbances, type Disturbances } from './count-disturbances.ts';
import type { ChangeGoal } from './create-change-goal.ts';
import type { Fault } from './fault.ts';
import { keepLogs } from './run-settings.ts';
import { createFaultStage, type FaultStage, type FaultStageOptions } from './stage/create-fault-stage.ts';
import { readHistory } from './stage/read-history.ts';

export interface FaultRunOptions extends FaultStageOptions {
  /** Of the run, for whoever reads of it. */
  readonly title: string;
  /** One after the other, each as often as it is in here. */
  readonly planned: readonly Fault[];
  /** The load goes on until it is reached. */
  readonly goal: ChangeGoal;
  /** Between a fault's recovery and the next fault, on average. */
  readonly restMs: number;
  /**
   * How long the next fault waits at most, in ms, until the backlog of a long one, or of a few short ones, has gone out.
   * Outages that follow each other at once are one that does not end, and what gathers meanwhile is the load's doing.
   */
  readonly catchUpMs: number;
}

/** What became of one fault kind, or of all on one system. */
export interface FaultRow {
  readonly kind: string;
  readonly runs: number;
  /** From the beginning of one to the recovery of all processes, on average. */
  readonly tookMs: number;
  /** Promised between its beginnings and those of the next ones. */
  readonly changes: number;
  readonly received: number;
  readonly duplicates: number;
  /** The longest that such a change took to be accepted by an endpoint that is always there and has room. */
  readonly longestGapMs: number;
  /** Those of changes promised meanwhile. What is of no promised change counts for the report alone. */
  readonly violations: number;
}

export interface FaultReport {
  readonly title: string;
  readonly rows: readonly FaultRow[];
  readonly violations: readonly Violation[];
  readonly disturbances: Disturbances;
  /** How long the backlog took after the end of the load, in ms. */
  readonly drainedInMs: number;
}

/** That so many are promised says that the API takes changes. */
const FEW_CHANGES = 20;
/** Longer, and a fault hangs for ever. */
const ENDS_WITHIN_MS = 120_000;
/** So long an outage leaves a backlog. */
const LONG_MS = 5_000;
const FEW_FAULTS = 5;
/** A backlog is gone so long after the last fault. */
const DRAINS_WITHIN_MS = 30_000;

/**
 * Does the planned faults to one system under load and judges what it did.
 *
 * @throws when a fault did not happen, and when a process did not recover
 */
export async function runFaults(options: FaultRunOptions): Promise<FaultReport> {
  const stage = await createFaultStage(options);
  try {
    const report = await judgeFaults(stage, options);
    await stage.close();
    return report;
  } catch (error) {
    // What went wrong first says more than what cannot be stopped because of it.
    await stage.close().catch(() => undefined);
    throw error;
  } finally {
    await keepLogs(options.title, stage.system.processes);
  }
}

async function judgeFaults(stage: FaultStage, options: FaultRunOptions): Promise<FaultReport> {
  const random = createRandom(options.seed + 1);
  const spans: FaultSpan[] = [];
  options.goal.join(() => stage.teller.promised);
  await stage.waitForChanges(FEW_CHANGES);
  for (const { kind, allowsDuplicates, delaysRecords, inject } of options.planned) {
    const begunAt = clockNow();
    try {
      await withLimit(inject(stage, random), ENDS_WITHIN_MS);
      await stage.waitForRecovery();
    } catch (error) {
      throw new Error(`${kind}, on ${options.backend}, seed ${options.seed}`, { cause: error });
    }
    spans.push({ kind, allowsDuplicates, delaysRecords, begunAt, endedAt: clockNow() });
    if (clockNow() - begunAt >= LONG_MS || spans.length % FEW_FAULTS === 0)
      await stage.waitForCatchUp(options.catchUpMs);
    await delay(random.next() * 2 * options.restMs);
  }
  do await stage.waitForChanges(FEW_CHANGES);
  while (!options.goal.isReached());
  const { tookMs } = await stage.comeToRest(DRAINS_WITHIN_MS);
  const history = await readHistory(stage, spans);
  const violations = checkHistory(history);
  return {
    title: options.title,
    rows: toRows(history, violations),
    violations,
    disturbances: countDisturbances(history),
    drainedInMs: tookMs,
  };
}

async function withLimit(work: Promise<void>, limitMs: number): Promise<void> {
  const limit = new AbortController();
  const late = delay(limitMs, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`It did not end within ${limitMs} ms.`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    limit.abort();
    await late.catch(() => undefined);
  }
}

function toRows(history: History, violations: readonly Violation[]): FaultRow[] {
  const index = indexHistory(history);
  const latencies = readLatencies(index);
  const duplicates = listDuplicates(index).map(({ second }) => second.begunAt);
  const violatedAt = violations.map(({ orderId = '', version = 0 }) =>
    index.promisedAt.get(keyOf({ orderId, version })),
  );
  const spans = history.faults.map((span, at) => ({
    kind: span.kind,
    tookMs: span.endedAt - span.begunAt,
    from: span.begunAt,
    until: history.faults[at + 1]?.begunAt ?? Number.POSITIVE_INFINITY,
  }));
  return [...Map.groupBy(spans, ({ kind }) => kind)].map(([kind, own]) => {
    const isIn = (time: number) => own.some(({ from, until }) => time >= from && time < until);
    const within = latencies.filter(({ promisedAt }) => isIn(promisedAt));
    return {
      kind,
      runs: own.length,
      tookMs: own.reduce((sum, { tookMs }) => sum + tookMs, 0) / own.length,
      changes: [...index.promisedAt.values()].filter(isIn).length,
      received: history.requests.filter(({ begunAt }) => isIn(begunAt)).length,
      duplicates: duplicates.filter(isIn).length,
      longestGapMs: Math.max(0, ...within.map(({ tookMs }) => tookMs)),
      violations: violatedAt.filter((at) => at !== undefined && isIn(at)).length,
    };
  });
}

/** How long each promised change took to be accepted where everything always is, and nothing waits for room. */
function readLatencies({ stories, promisedAt }: HistoryIndex): { promisedAt: number; tookMs: number }[] {
  return [...stories.values()].flatMap(({ endpoint, change, arrivals }) => {
    const at = promisedAt.get(keyOf(change));
    const accepted = arrivals.find(({ answer }) => isSuccess(answer));
    if (endpoint.path !== '/wide' || at === undefined || accepted === undefined) return [];
    return [{ promisedAt: at, tookMs: Math.max(0, accepted.begunAt - at) }];
  });
}
