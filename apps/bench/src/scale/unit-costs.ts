/**
 * What one status change and one webhook cost each part, in milliseconds of one processor of the machine where it was
 * measured. All that the model of scale.md knows of the program stands here.
 */
export interface UnitCosts {
  /** Machine and day. */
  readonly measured: string;
  /** What that machine did at most, with everything on it: what the model is held against. */
  readonly atMost: {
    readonly cores: number;
    readonly changesPerSecond: number;
    readonly attemptsPerSecond: number;
    /** Changes that were delivered meanwhile; null when that was not measured. */
    readonly deliveredChangesPerSecond: number | null;
  };
  readonly change: {
    readonly apiMs: number;
    /** The read, the statement that writes the change with one delivery, and its place in the feed. */
    readonly postgresMs: number;
    /** For each further endpoint that is told. */
    readonly furtherDeliveryMs: number;
    readonly walBytes: number;
  };
  /** One attempt at a delivery, from its job to its record and the look after it. */
  readonly attempt: {
    /** Besides the worker's part of the statements. */
    readonly workerMs: number;
    /** Of each attempt in the statements that it shares with others: claim, record, look. */
    readonly postgresMs: number;
    /** PostgreSQL's time for each such statement, however many attempts share it. */
    readonly statementMs: number;
    /** The worker's time for it. */
    readonly workerStatementMs: number;
    readonly redisMs: number;
    readonly redisCommands: number;
    readonly walBytes: number;
  };
  /** Of the relay and the other rounds, each second, over all workers. */
  readonly rounds: { readonly postgresMs: number; readonly workerMs: number };
  /** Of whoever makes the load and takes the webhooks, where they share the machine: not counted otherwise. */
  readonly bystanders: { readonly changeMs: number; readonly attemptMs: number };
  /** How long PostgreSQL's disk takes to make commits durable, however many go together. */
  readonly flushMs: number;
  /** Memory that Redis takes for a job. */
  readonly jobBytes: number;
}

/** Claim, record and look; the first two commit a change. */
export const STATEMENTS_OF_ATTEMPT = 3;
export const COMMITS_OF_ATTEMPT = 2;

/** What the program bounds, and the model with it. */
export const LIMITS = {
  /** Deliveries of one endpoint on their way at once: its window at its largest. */
  window: 64,
  /** Attempts in one statement (in a record twice as many), and statements of a kind at once, of each worker. */
  batch: 64,
  batchesUnderWay: 2,
  /** How soon a statement follows one of its kind that is still under way, if it is not full. */
  batchSpacingMs: 5,
  /** Deliveries in flight of each worker: WEBHOOK_CONCURRENCY. */
  concurrency: 1_024,
  /** Changes that get their place in the feed, each second. */
  feedPlacesPerSecond: 5_000,
  /** Connections to PostgreSQL of each process, the two included on which the API listens. */
  apiConnections: 26,
  workerConnections: 16,
} as const;

/**
 * A small machine with everything on it. Processor times are those of the rows P1, P2 and P8 of `npm run bench`, as
 * read-unit-costs.ts reads them; log and commands are as PostgreSQL and Redis count them, those within Redis' scripts
 * included. Not measured but assumed: what a further endpoint costs, the rounds, and the flush, which is the disk's. What a
 * job takes of memory is rounded.
 */
export const MEASURED: UnitCosts = {
  measured: '2 x AMD EPYC, 2026-11-26',
  atMost: { cores: 2, changesPerSecond: 916, attemptsPerSecond: 1_991, deliveredChangesPerSecond: 609 },
  change: { apiMs: 0.62, postgresMs: 0.71, furtherDeliveryMs: 0.1, walBytes: 3_700 },
  attempt: {
    workerMs: 0.32,
    postgresMs: 0.29,
    statementMs: 1.18,
    workerStatementMs: 0.71,
    redisMs: 0.15,
    redisCommands: 41,
    walBytes: 6_600,
  },
  rounds: { postgresMs: 10, workerMs: 10 },
  bystanders: { changeMs: 0.19, attemptMs: 0.04 },
  flushMs: 1,
  jobBytes: 1_000,
};
