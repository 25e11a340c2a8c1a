/** What the model is asked: how much comes, and what there is to take it. */
export interface Load {
  /** On average; they come at random moments. */
  readonly changesPerSecond: number;
  /** How many are told of each change. */
  readonly endpointsPerChange: number;
  /** Attempts of a delivery, on average: 1 and the share that is tried again. */
  readonly attemptsPerDelivery: number;
  /** Over which the changes spread. */
  readonly endpoints: number;
  /** Of all deliveries, those to the endpoint that gets most. */
  readonly busiestShare: number;
  /** What a customer's server takes to answer, on average. */
  readonly answerMs: number;
}

export interface Topology {
  readonly apis: number;
  readonly workers: number;
  /** Queues, each on a Redis of its own. */
  readonly redises: number;
  readonly postgresCores: number;
  /** How much log PostgreSQL's disk makes durable each second, in megabytes. */
  readonly logMbPerSecond: number;
  /** Everything, the makers of the load included, on one machine with so many; null: each part on machines of its own. */
  readonly sharedCores: number | null;
  /** From one machine to another. */
  readonly networkMs: number;
}

/** One of each, and a database on a machine of its own: what is asked what it would take. */
export const SMALLEST_APART: Topology = {
  apis: 1,
  workers: 1,
  redises: 1,
  postgresCores: 8,
  logMbPerSecond: 200,
  sharedCores: null,
  networkMs: 0.25,
};

const SECONDS_OF_DAY = 86_400;

/** Creation, acceptance, start, arrival, request and confirmation of the payment, completion. */
export const CHANGES_OF_ORDER = 7;

/**
 * The load of so many orders a day, all of one customer server with one endpoint.
 *
 * @param peakFactor how many times the mean the busiest hour is
 */
export function buildDailyLoad(ordersPerDay: number, peakFactor: number): Load {
  return {
    changesPerSecond: ((ordersPerDay * CHANGES_OF_ORDER) / SECONDS_OF_DAY) * peakFactor,
    endpointsPerChange: 1,
    attemptsPerDelivery: 1.02,
    endpoints: 1,
    busiestShare: 1,
    answerMs: 50,
  };
}

/** So many such customers at once. */
export function multiplyLoad(load: Load, factor: number): Load {
  return {
    ...load,
    changesPerSecond: load.changesPerSecond * factor,
    endpoints: load.endpoints * factor,
    busiestShare: load.busiestShare / factor,
  };
}

export const attemptsPerSecond = (load: Load): number =>
  load.changesPerSecond * load.endpointsPerChange * load.attemptsPerDelivery;
