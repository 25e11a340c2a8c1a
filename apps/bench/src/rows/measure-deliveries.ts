import type { Receipt } from '@vendor-server/e2e/receiver/create-raw-receiver.ts';
import { clockNow } from '@vendor-server/e2e/receiver/received-request.ts';
import type { MeasureRound } from '../measure/compare.ts';
import { type CpuSource, countCpu, ofProcess } from '../measure/cpu-meter.ts';
import { type Round, type Sample, toRate } from '../measure/round.ts';
import type { BareDeliveryCalls } from '../peers/bare-delivery-calls.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { Stage } from '../stage/create-stage.ts';

const BARE_DELIVERIES = new URL('../peers/bare-deliveries.ts', import.meta.url);
const ARRIVAL_LIMIT_MS = 60_000;

export async function startBareDeliveries(stage: Stage): Promise<Peer<BareDeliveryCalls>> {
  const bare = await stage.startPeer<BareDeliveryCalls>('bare worker', BARE_DELIVERIES);
  await bare.call('open', { redisUrl: stage.redisUrl, databaseUrl: stage.databaseUrl });
  return bare;
}

/** Waits for so many webhooks since the receiver forgot. Throws when they do not come. */
export async function waitForArrivals({ receiver }: Stage, count: number): Promise<readonly Receipt[]> {
  const came = await receiver.call('waitFor', { count, limitMs: ARRIVAL_LIMIT_MS });
  if (came < count) throw new Error(`${came} of ${count} webhooks came in ${ARRIVAL_LIMIT_MS / 1_000} s`);
  return receiver.call('receipts', {});
}

export interface DrainOptions {
  readonly count: number;
  /** Makes the backlog, of which nothing is sent yet. */
  readonly fill: (count: number) => Promise<void>;
  /** Lets it out. */
  readonly begin: () => Promise<void>;
  /** Whose processor time is counted, besides the stage's. */
  readonly cpu: readonly CpuSource[];
}

/** Rounds of a backlog that goes out, from its first receipt to its last; a tenth of it to warm up. */
export function measureDrain(stage: Stage, options: DrainOptions): MeasureRound {
  return async (isWarmUp): Promise<Round> => {
    const count = isWarmUp ? options.count / 10 : options.count;
    await stage.receiver.call('forget', {});
    await options.fill(count);
    const stopCounting = await countCpu([...stage.cpu, ...options.cpu]);
    await options.begin();
    const arrivals = await waitForArrivals(stage, count);
    const samples = toDrainSamples(arrivals);
    return { value: toRate(samples), units: count, cpu: await stopCounting(), samples };
  };
}

/** Times count from the first, which is itself left out. */
export function toDrainSamples(arrivals: readonly Receipt[]): Sample[] {
  const firstAt = arrivals[0]?.receivedAt ?? clockNow();
  return arrivals.slice(1).map(({ receivedAt }) => ({ atMs: receivedAt - firstAt, latencyMs: null }));
}

/** The drain of the bare part. */
export function measureBareDrain(stage: Stage, bare: Peer<BareDeliveryCalls>, count: number): MeasureRound {
  return measureDrain(stage, {
    count,
    async fill(part) {
      await bare.call('pause', {});
      await bare.call('fill', { urls: listUrls(stage), count: part });
    },
    begin: () => bare.call('resume', {}),
    cpu: [ofProcess('bare worker', bare.pid)],
  });
}

/** The addresses of all endpoints. */
export function listUrls({ receiver, customerServers }: Stage): string[] {
  return customerServers.map((_, n) => `http://127.0.0.1:${receiver.port}/${n}`);
}
