import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomerServer } from '../system/add-customer-server.ts';
import { quantile } from '../system/quantile.ts';
import { watchStolenTime } from '../system/watch-stolen-time.ts';
import type { HostileStage } from './create-hostile-stage.ts';
import { type SentChange, sendLoad } from './send-load.ts';
import { type Watched, watchSystem } from './watch-system.ts';

export interface RoundOptions {
  readonly perSecond: number;
  readonly seconds: number;
  /** Endpoints that misbehave, whose windows are watched. */
  readonly badEndpointIds?: readonly string[];
  /** Customer servers with such endpoints: they get as many changes as each healthy one, on top of the load. */
  readonly bad?: readonly CustomerServer[];
}

export interface Round {
  readonly sent: number;
  /** Changes of healthy customer servers that did not arrive, in the end. */
  readonly missing: number;
  /** From the change to its receipt, healthy ones only, in ms. */
  readonly latency: Latency;
  /** Of the processors' time, what the machine did not get (see watch-stolen-time.ts). */
  readonly stolenShare: number;
  readonly watched: Watched;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How long what is still on its way is waited for; by then everything that will come has come. */
const ARRIVAL_LIMIT_MS = 15_000;

/** Sends the load, and waits until all of the healthy customers' changes have arrived. */
export async function measureRound(stage: HostileStage, options: RoundOptions): Promise<Round> {
  const { perSecond, seconds, bad = [], badEndpointIds = [] } = options;
  const { healthy, receiver } = stage;
  const firstReceipt = receiver.receipts.length;
  const readStolenShare = await watchStolenTime();
  const watch = await watchSystem({ ...stage, endpointIds: badEndpointIds });
  try {
    const ownShare = perSecond / healthy.length;
    const [sent] = await Promise.all([
      sendLoad({ customerServers: healthy, perSecond, seconds }),
      bad.length > 0 && sendLoad({ customerServers: bad, perSecond: ownShare * bad.length, seconds }),
    ]);
    const missing = await waitForArrivals(stage, sent);
    const latencies = receiver.receipts.slice(firstReceipt).map(({ latencyMs }) => latencyMs);
    const stolenShare = await readStolenShare();
    const latency = toLatency(latencies);
    return { sent: sent.length, missing, latency, stolenShare, watched: await watch.stop() };
  } catch (error) {
    await watch.stop();
    throw error;
  }
}

async function waitForArrivals({ receiver }: HostileStage, sent: readonly SentChange[]): Promise<number> {
  const keyOf = ({ orderId, version }: { orderId: string; version: number }) => `${orderId} ${version}`;
  const giveUpAt = performance.now() + ARRIVAL_LIMIT_MS;
  for (;;) {
    const arrived = new Set(receiver.receipts.map(keyOf));
    const missing = sent.filter((change) => !arrived.has(keyOf(change))).length;
    if (missing === 0 || performance.now() > giveUpAt) return missing;
    await sleep(50);
  }
}

export function toLatency(latenciesMs: readonly number[]): Latency {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), maxMs: quantile(sorted, 1) };
}
