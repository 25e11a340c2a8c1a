/**
 * The model of scale.md as events: every change and every attempt goes its way through API, PostgreSQL, Redis and worker,
 * each of which does so much at a time. What formulas cannot say comes out of it: how long things wait for each other,
 * and what falls behind.
 *
 * It knows of the program what unit-costs.ts says, and leaves out what changes no rate: the order of a lane's
 * deliveries (an order's changes come far apart), failures beyond the attempts that they add, and lists.
 */
import { createRandom } from '@vendor-server/e2e/history/testing/create-random.ts';
import { buildParts, type Parts, type SimulatedWorker } from './build-parts.ts';
import { createTimeline } from './create-timeline.ts';
import type { Load, Topology } from './scale-model.ts';
import { LIMITS, type UnitCosts } from './unit-costs.ts';

/** What sets changes or deliveries going. */
export type Source =
  /** As many changes as the load says, at random moments. */
  | { readonly kind: 'open' }
  /**
   * So many clients, each with its next change when the one before is answered, until so many changes have been begun
   * (null: for as long as it lasts); webhooks are sent or not.
   */
  | {
      readonly kind: 'clients';
      readonly count: number;
      readonly areTold: boolean;
      readonly changes: number | null;
    }
  /** So many deliveries that wait from the beginning, and nothing else. */
  | { readonly kind: 'backlog'; readonly deliveries: number };

export interface SimulationOptions {
  readonly costs: UnitCosts;
  readonly load: Load;
  readonly topology: Topology;
  readonly source: Source;
  /** Of the model's time; what has an end is over when all is delivered, at the latest after that. */
  readonly seconds: number;
  readonly seed: number;
}

export interface Simulated {
  /** Committed, each second. */
  readonly changesPerSecond: number;
  /** Delivered, each second. */
  readonly deliveriesPerSecond: number;
  /** From a change's commit to its first receipt, in ms; empty when there were no changes. Sorted. */
  readonly latenciesMs: readonly number[];
  /** Deliveries that were not delivered at the end, in seconds of the rate at which they are. */
  readonly behindSeconds: number;
  readonly meanBatch: number;
}

interface Delivery {
  readonly endpoint: Endpoint;
  readonly committedAt: number;
}

interface Endpoint {
  inFlight: number;
  readonly waiting: Delivery[];
}

const MS = 1_000;
const RETRY_MS = 1_000;

export function simulate({ costs, load, topology, source, seconds, seed }: SimulationOptions): Simulated {
  const timeline = createTimeline();
  const random = createRandom(seed);
  const endpoints = Array.from({ length: Math.max(1, Math.round(load.endpoints)) }, createEndpoint);
  const latenciesMs: number[] = [];
  let changes = 0;
  let made = 0;
  let delivered = 0;
  let lastDeliveredAt = 0;

  const exponential = (meanMs: number) => -Math.log(1 - random.next()) * meanMs;
  // Work takes now more, now less, but not as unevenly as answers do.
  const varied = (meanMs: number) => (exponential(meanMs) + exponential(meanMs)) / 2;
  const parts = buildParts({ timeline, costs, topology, varied });
  const overNetwork = (then: () => void) => timeline.after(topology.networkMs, then);
  const atBystanders = (ms: number, then: () => void) =>
    parts.bystanders === null ? then() : parts.bystanders.work(ms, then);

  function change(answered: () => void): void {
    const api = random.pick(parts.apis);
    const { apiMs, postgresMs, furtherDeliveryMs } = costs.change;
    const { endpointsPerChange } = load;
    atBystanders(costs.bystanders.changeMs, () =>
      api.work(varied(apiMs), () =>
        overNetwork(() =>
          parts.postgres.work(varied(postgresMs + (endpointsPerChange - 1) * furtherDeliveryMs), () =>
            parts.commit(() => {
              changes += 1;
              for (let n = 0; n < endpointsPerChange; n += 1) {
                announce({ endpoint: pickEndpoint(), committedAt: timeline.now() });
              }
              overNetwork(answered);
            }),
          ),
        ),
      ),
    );
  }

  function pickEndpoint(): Endpoint {
    const [busiest, ...others] = endpoints;
    if (busiest === undefined || others.length === 0 || random.chance(load.busiestShare)) {
      return busiest ?? createEndpoint();
    }
    return random.pick(others);
  }

  function announce(delivery: Delivery): void {
    if (source.kind === 'clients' && !source.areTold) return;
    made += 1;
    if (delivery.endpoint.inFlight >= LIMITS.window) delivery.endpoint.waiting.push(delivery);
    else enqueue(delivery);
  }

  function enqueue(delivery: Delivery): void {
    delivery.endpoint.inFlight += 1;
    overNetwork(() =>
      random.pick(parts.redises).work(varied(costs.attempt.redisMs / 2), () => take(delivery)),
    );
  }

  /** Whoever has fewest in flight takes it. A worker that is full takes none; then it waits in Redis. */
  function take(delivery: Delivery): void {
    const worker = findIdlest(parts);
    if (worker.inFlight >= LIMITS.concurrency) inRedis.push(delivery);
    else attempt(delivery, worker, true);
  }
  const inRedis: Delivery[] = [];

  function attempt(delivery: Delivery, worker: SimulatedWorker, isFirst: boolean): void {
    worker.inFlight += 1;
    const half = costs.attempt.workerMs / 2;
    overNetwork(() =>
      worker.processor.work(varied(half), () =>
        worker.claim(() =>
          send(delivery, isFirst, () => worker.processor.work(varied(half), () => end(delivery, worker))),
        ),
      ),
    );
  }

  function send(delivery: Delivery, isFirst: boolean, answered: () => void): void {
    overNetwork(() =>
      atBystanders(costs.bystanders.attemptMs, () => {
        if (isFirst && source.kind !== 'backlog') latenciesMs.push(timeline.now() - delivery.committedAt);
        timeline.after(exponential(load.answerMs), answered);
      }),
    );
  }

  function end(delivery: Delivery, worker: SimulatedWorker): void {
    const { endpoint } = delivery;
    worker.record(() => {
      const isRetried = random.chance(1 - 1 / load.attemptsPerDelivery);
      if (!isRetried) {
        delivered += 1;
        lastDeliveredAt = timeline.now();
      }
      worker.look(() =>
        random.pick(parts.redises).work(varied(costs.attempt.redisMs / 2), () => {
          worker.inFlight -= 1;
          const fromRedis = inRedis.shift();
          if (fromRedis !== undefined) attempt(fromRedis, worker, true);
          if (isRetried) return timeline.after(RETRY_MS, () => attempt(delivery, findIdlest(parts), false));
          endpoint.inFlight -= 1;
          const next = endpoint.waiting.shift();
          if (next !== undefined) enqueue(next);
        }),
      );
    });
  }

  function begin(): void {
    if (source.kind === 'backlog') {
      for (let n = 0; n < source.deliveries; n += 1) {
        const endpoint = endpoints[n % endpoints.length];
        if (endpoint !== undefined) announce({ endpoint, committedAt: 0 });
      }
    } else if (source.kind === 'clients') {
      let left = source.changes ?? Number.POSITIVE_INFINITY;
      const nextOf = () => {
        if (left === 0) return;
        left -= 1;
        change(nextOf);
      };
      for (let n = 0; n < source.count; n += 1) nextOf();
    } else {
      const arrive = () => {
        change(() => undefined);
        timeline.after(exponential(MS / load.changesPerSecond), arrive);
      };
      arrive();
    }
  }

  function spendRounds(): void {
    parts.postgres.work(costs.rounds.postgresMs, () => undefined);
    parts.workers[0]?.processor.work(costs.rounds.workerMs, () => undefined);
    timeline.after(MS, spendRounds);
  }

  begin();
  spendRounds();
  timeline.runUntil(seconds * MS);
  const toDeliver = countToDeliver(source);
  const tookMs = delivered === toDeliver ? lastDeliveredAt : seconds * MS;
  const deliveriesPerSecond = (delivered / tookMs) * MS;
  return {
    changesPerSecond: (changes / tookMs) * MS,
    deliveriesPerSecond,
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
    behindSeconds: (made - delivered) / deliveriesPerSecond,
    meanBatch: parts.meanBatch(),
  };
}

function createEndpoint(): Endpoint {
  return { inFlight: 0, waiting: [] };
}

function findIdlest({ workers }: Parts): SimulatedWorker {
  return workers.reduce((idlest, worker) => (worker.inFlight < idlest.inFlight ? worker : idlest));
}

/** Null when there is no end of it. */
function countToDeliver(source: Source): number | null {
  if (source.kind === 'backlog') return source.deliveries;
  return source.kind === 'clients' && source.areTold ? source.changes : null;
}
