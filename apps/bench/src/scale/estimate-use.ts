import { attemptsPerSecond, type Load, type Topology } from './scale-model.ts';
import { COMMITS_OF_ATTEMPT, LIMITS, STATEMENTS_OF_ATTEMPT, type UnitCosts } from './unit-costs.ts';

/** What a load takes each second, by the formulas of scale.md. */
export interface Demand {
  readonly changes: number;
  readonly attempts: number;
  /** Processors' time. */
  readonly apiMs: number;
  readonly postgresMs: number;
  readonly redisMs: number;
  readonly workerMs: number;
  readonly commits: number;
  readonly logBytes: number;
  readonly redisCommands: number;
  /** Requests to customers' servers that are on their way at a time. */
  readonly inFlight: number;
}

/** What can be full, and what it is called where people read of it. */
export const PART_NAMES = {
  api: 'API (processor)',
  postgres: 'PostgreSQL (processors)',
  log: 'PostgreSQL (log)',
  redis: 'Redis (processor)',
  worker: 'worker (processor)',
  sockets: 'worker (in flight)',
  endpoint: "busiest endpoint's window",
  feed: 'places in the feed',
} as const;
export type Part = keyof typeof PART_NAMES;

/** Of each part: what share of it is taken. Above 1 it falls behind. */
export type Use = Readonly<Record<Part, number>>;

const MS = 1_000;
const MB = 1_000_000;

export function calculateDemand(costs: UnitCosts, load: Load, topology: Topology): Demand {
  const { change, attempt, rounds } = costs;
  const changes = load.changesPerSecond;
  const attempts = attemptsPerSecond(load);
  const statements = estimateStatements(costs, attempts, topology);
  return {
    changes,
    attempts,
    apiMs: changes * change.apiMs,
    postgresMs:
      changes * (change.postgresMs + (load.endpointsPerChange - 1) * change.furtherDeliveryMs) +
      attempts * attempt.postgresMs +
      statements * attempt.statementMs +
      rounds.postgresMs,
    redisMs: attempts * attempt.redisMs,
    workerMs: attempts * attempt.workerMs + statements * attempt.workerStatementMs + rounds.workerMs,
    commits: changes + (statements * COMMITS_OF_ATTEMPT) / STATEMENTS_OF_ATTEMPT,
    logBytes: changes * change.walBytes + attempts * attempt.walBytes,
    redisCommands: attempts * attempt.redisCommands,
    inFlight: (attempts * load.answerMs) / MS,
  };
}

/**
 * Statements for attempts, each second. An attempt alone has three; what comes while one of a kind is under way shares
 * the next, which begins when that one has ended or lasts for longer than the spacing; of each worker there are never more
 * than two of a kind at a time.
 */
function estimateStatements(costs: UnitCosts, attempts: number, { workers, networkMs }: Topology): number {
  const { statementMs, workerStatementMs, postgresMs } = costs.attempt;
  const takesMs =
    statementMs + workerStatementMs + postgresMs / STATEMENTS_OF_ATTEMPT + 2 * networkMs + costs.flushMs;
  const everyMs = Math.min(takesMs, Math.max(LIMITS.batchSpacingMs, takesMs / LIMITS.batchesUnderWay));
  const mostOfKind = workers * (MS / everyMs);
  return Math.max(Math.min(attempts, mostOfKind), attempts / LIMITS.batch) * STATEMENTS_OF_ATTEMPT;
}

export function calculateUse(costs: UnitCosts, load: Load, topology: Topology): Use {
  const demand = calculateDemand(costs, load, topology);
  const { apis, workers, redises, postgresCores, logMbPerSecond } = topology;
  return {
    api: demand.apiMs / MS / apis,
    postgres: demand.postgresMs / MS / postgresCores,
    log: demand.logBytes / MB / logMbPerSecond,
    redis: demand.redisMs / MS / redises,
    worker: demand.workerMs / MS / workers,
    sockets: demand.inFlight / (workers * LIMITS.concurrency),
    endpoint: (demand.inFlight * load.busiestShare) / LIMITS.window,
    feed: demand.changes / LIMITS.feedPlacesPerSecond,
  };
}

/** The part that is full first when the load grows evenly. */
export function findFullest(use: Use): Part {
  const parts = Object.keys(use) as Part[];
  return parts.reduce((fullest, part) => (use[part] > use[fullest] ? part : fullest));
}

/** So much of each part is used at the busiest time: the rest is for bursts, restarts and repairs. */
const TARGET_USE = 0.6;
/** More than it takes until a further one changes nothing: batches cannot be smaller than one. */
const PLANNING_TURNS = 10;

/**
 * How many of each it takes so that none is used to more than 0.6. What cannot be multiplied stays as it is: see
 * `calculateUse` for what remains full.
 */
export function planTopology(costs: UnitCosts, load: Load, from: Topology): Topology {
  let planned = from;
  // Again and again: more workers make smaller batches, which take more of PostgreSQL and of the workers.
  for (let turn = 0; turn < PLANNING_TURNS; turn += 1) {
    planned = multiplyToTarget(calculateUse(costs, load, planned), planned);
  }
  return planned;
}

function multiplyToTarget(
  use: Use,
  { apis, workers, redises, postgresCores, ...others }: Topology,
): Topology {
  const toTarget = (count: number, used: number) => Math.max(1, Math.ceil((count * used) / TARGET_USE));
  return {
    ...others,
    apis: toTarget(apis, use.api),
    workers: toTarget(workers, Math.max(use.worker, use.sockets)),
    redises: toTarget(redises, use.redis),
    postgresCores: toTarget(postgresCores, use.postgres),
  };
}
