import { createBatchedWork } from './create-batched-work.ts';
import { createProcessors, type Worker } from './create-processors.ts';
import type { Timeline } from './create-timeline.ts';
import type { Topology } from './scale-model.ts';
import { LIMITS, STATEMENTS_OF_ATTEMPT, type UnitCosts } from './unit-costs.ts';

/** Hands something over; `done` is called when it is worked off. */
export type Hand = (done: () => void) => void;

export interface SimulatedWorker {
  readonly processor: Worker;
  /** The statements of attempts, with all that come at about the same time. */
  readonly claim: Hand;
  readonly record: Hand;
  readonly look: Hand;
  inFlight: number;
}

/** Everything that works, as a topology has it. */
export interface Parts {
  readonly apis: readonly Worker[];
  readonly workers: readonly SimulatedWorker[];
  readonly redises: readonly Worker[];
  readonly postgres: Worker;
  /** Makers of the load and customers' servers: null where they have machines of their own. */
  readonly bystanders: Worker | null;
  /** Durable when it calls. */
  readonly commit: Hand;
  /** Attempts in a statement, on average. */
  meanBatch(): number;
}

export interface PartsOptions {
  readonly timeline: Timeline;
  readonly costs: UnitCosts;
  readonly topology: Topology;
  /** How long something takes this time that takes so long on average. */
  readonly varied: (meanMs: number) => number;
}

export function buildParts({ timeline, costs, topology, varied }: PartsOptions): Parts {
  const { sharedCores, postgresCores, networkMs } = topology;
  const shared = sharedCores === null ? null : createProcessors(timeline, sharedCores);
  const createProcess = (cores: number) =>
    shared === null ? createProcessors(timeline, cores) : shared.createProcess(cores);
  const many = (count: number) => Array.from({ length: count }, () => createProcess(1));
  const postgres = createProcess(postgresCores);
  // One flush at a time makes durable all that wait for it.
  const commit = createBatchedWork({
    timeline,
    maxItems: Number.POSITIVE_INFINITY,
    maxUnderWay: 1,
    spacingMs: 0,
    atTurnsEnd: (event) => event(),
    work: (_count, done) => timeline.after(varied(costs.flushMs), done),
  });
  let statements = 0;
  let items = 0;

  function createStatement(processor: Worker, isCommitted: boolean): Hand {
    return createBatchedWork({
      timeline,
      maxItems: LIMITS.batch,
      maxUnderWay: LIMITS.batchesUnderWay,
      spacingMs: LIMITS.batchSpacingMs,
      // Behind what its process has to do already.
      atTurnsEnd: (event) => processor.work(0, event),
      work(count, done) {
        statements += 1;
        items += count;
        const { statementMs, workerStatementMs, postgresMs } = costs.attempt;
        const takesMs = varied(statementMs + (count * postgresMs) / STATEMENTS_OF_ATTEMPT);
        const answer = () => timeline.after(networkMs, done);
        processor.work(varied(workerStatementMs), () =>
          timeline.after(networkMs, () =>
            postgres.work(takesMs, isCommitted ? () => commit(answer) : answer),
          ),
        );
      },
    });
  }

  return {
    apis: many(topology.apis),
    redises: many(topology.redises),
    workers: many(topology.workers).map((processor) => ({
      processor,
      claim: createStatement(processor, true),
      record: createStatement(processor, true),
      look: createStatement(processor, false),
      inFlight: 0,
    })),
    postgres,
    bystanders: shared === null ? null : shared.createProcess(2),
    commit,
    meanBatch: () => items / statements,
  };
}
