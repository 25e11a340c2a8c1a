/**
 * What one status change and one webhook cost each part, in milliseconds of one processor of the machine where it was
 * measured. All that the model of scale.md knows of the program stands here.
 */
export interface UnitCosts {
  /** Machine and day. */
  readonly measured: string;
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
    readonly workerMs: number;
    /** Of each attempt in the statements that it shares with others: claim, record, look. */
    readonly postgresMs: number;
    /** Of each such statement, however many attempts share it. */
    readonly statementMs: number;
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
  /** Attempts in one statement, and statements of a kind at once, of each worker. */
  batch: 64,
  batchesUnderWay: 2,
  /** Deliveries in flight of each worker: WEBHOOK_CONCURRENCY. */
  concurrency: 1_024,
  /** Changes that get their place in the feed, each second. */
  feedPlacesPerSecond: 5_000,
  /** Connections to PostgreSQL of each process, the API's listening one included. */
  apiConnections: 25,
  workerConnections: 16,
} as const;

/**
 * Of a machine with two processors (AMD EPYC), PostgreSQL 18 and Redis 7 on it, where `synchronous_commit` waits for a
 * disk that answers in a millisecond.
 */
export const MEASURED: UnitCosts = {
  measured: 'two processors (AMD EPYC), 26 November 2026',
  change: { apiMs: 0.5, postgresMs: 0.45, furtherDeliveryMs: 0.1, walBytes: 9_000 },
  attempt: {
    workerMs: 0.35,
    postgresMs: 0.3,
    statementMs: 0.4,
    redisMs: 0.05,
    redisCommands: 3,
    walBytes: 3_000,
  },
  rounds: { postgresMs: 10, workerMs: 10 },
  bystanders: { changeMs: 0.15, attemptMs: 0.06 },
  flushMs: 1,
  jobBytes: 1_500,
};
