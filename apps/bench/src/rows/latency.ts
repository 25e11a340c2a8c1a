/** P3: how long a webhook takes from the commit of its change, against a request by itself. */

import { quantile } from '@vendor-server/e2e/system/quantile.ts';
import type { Benchmark } from '../benchmark.ts';
import { buildRow, measureInTurns } from '../measure/compare.ts';
import { countCpu, ofProcess } from '../measure/cpu-meter.ts';
import { type Round, type Sample, sortLatencies } from '../measure/round.ts';
import type { BareDeliveryCalls } from '../peers/bare-delivery-calls.ts';
import type { LoadCalls } from '../peers/order-load.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { BenchRow } from '../result/bench-result.ts';
import type { Stage } from '../stage/create-stage.ts';
import { readCommitTimes } from '../stage/read-commit-times.ts';
import { listUrls, waitForArrivals } from './measure-deliveries.ts';
import { prepareTasks } from './measure-orders.ts';
import { deliveringStage } from './shared-stages.ts';
import { STEPS } from './whole-path.ts';

/**
 * Of the webhooks that P8 delivers each second while their changes are made. P2 is no measure of load: a backlog goes out
 * without anybody making changes.
 */
const LOAD_SHARE = 0.1;
/** When P8 was not measured. */
const DEFAULT_PER_SECOND = 60;
/** So that a handful are slower than the p99 of a round. */
const SECONDS = { usual: 6, quick: 3 };
const WARM_UP_SECONDS = 1;

const QUANTILES = [
  { id: 'P3a', title: 'p50', share: 0.5, ratio: 5 },
  { id: 'P3b', title: 'p99', share: 0.99, ratio: 10 },
] as const;

export const latency: Benchmark = {
  id: 'P3',
  title: 'from commit to receipt at a tenth of the load',
  shares: deliveringStage,
  async run({ quick, share, earlier }) {
    const perSecond = chooseRate(earlier);
    const { stage, worker, http, bare } = await share(deliveringStage);
    const cpu = [ofProcess('worker', worker.pid), ofProcess('driver', http.pid)];
    const roundOf = (measure: (count: number) => Promise<Omit<Round, 'value' | 'cpu'>>, sources = cpu) => {
      return async (isWarmUp: boolean): Promise<Round> => {
        const seconds = isWarmUp ? WARM_UP_SECONDS : quick ? SECONDS.quick : SECONDS.usual;
        await stage.receiver.call('forget', {});
        const stopCounting = await countCpu([...stage.cpu, ...sources]);
        const measured = await measure(Math.round(perSecond * seconds));
        return { ...measured, value: Number.NaN, cpu: await stopCounting() };
      };
    };
    const rounds = await measureInTurns(quick ? 2 : 3, {
      ours: roundOf((count) => measureWebhooks(stage, http, { count, perSecond })),
      bare: roundOf(
        (count) => measurePosts(stage, bare, { count, perSecond }),
        [ofProcess('bare sender', bare.pid)],
      ),
    });
    return {
      rows: QUANTILES.map(({ id, title, share, ratio }) => {
        const withValue = (round: Round) => ({
          ...round,
          value: quantile(sortLatencies(round.samples), share),
        });
        return buildRow(
          {
            id,
            title: `from commit to receipt, ${title}`,
            bareTitle: 'one POST and its answer, at the same rate',
            unit: 'ms',
            aim: { kind: 'at most', ratio },
            notes: [
              `${perSecond} orders/s are created over HTTP, one webhook each: a tenth of what P8 delivers, or ${DEFAULT_PER_SECOND} when that was not measured.`,
              "The commit's time is PostgreSQL's own (track_commit_timestamp); where it is off, the change's, which is earlier.",
            ],
          },
          { ours: rounds.ours.map(withValue), bare: rounds.bare.map(withValue) },
        );
      }),
    };
  },
};

function chooseRate(earlier: readonly BenchRow[]): number {
  const path = earlier.find(({ id }) => id === 'P8');
  return path === undefined ? DEFAULT_PER_SECOND : Math.round(path.ours.median * STEPS.length * LOAD_SHARE);
}

interface Pace {
  readonly count: number;
  readonly perSecond: number;
}

async function measureWebhooks(stage: Stage, http: Peer<LoadCalls>, { count, perSecond }: Pace) {
  const tasks = await prepareTasks(stage, stage.customerServers, ['create'], count);
  await http.call('pace', { steps: ['create'], tasks, perSecond });
  const arrivals = await waitForArrivals(stage, count);
  const commits = await readCommitTimes(
    stage.database.pool,
    arrivals.map(({ orderId }) => orderId),
  );
  const firstAt = Math.min(...commits.values());
  const samples: Sample[] = arrivals.map(({ orderId, receivedAt, latencyMs }) => {
    const committedAt = commits.get(orderId) ?? receivedAt - latencyMs;
    return { atMs: receivedAt - firstAt, latencyMs: receivedAt - committedAt };
  });
  return { units: count, samples };
}

async function measurePosts(stage: Stage, bare: Peer<BareDeliveryCalls>, pace: Pace) {
  const samples = await bare.call('pace', { urls: listUrls(stage), ...pace });
  return { units: pace.count, samples };
}
