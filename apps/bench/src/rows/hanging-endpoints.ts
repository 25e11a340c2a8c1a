/** P4: what healthy endpoints notice of ten that hang. */

import type { Receipt } from '@vendor-server/e2e/receiver/create-raw-receiver.ts';
import { type CustomerServer, changeEndpoint } from '@vendor-server/e2e/system/add-customer-server.ts';
import { quantile } from '@vendor-server/e2e/system/quantile.ts';
import type { Benchmark } from '../benchmark.ts';
import { buildRow, measureInTurns } from '../measure/compare.ts';
import { countCpu, ofProcess } from '../measure/cpu-meter.ts';
import { type Round, type Sample, sortLatencies } from '../measure/round.ts';
import { fillBacklog, openEndpoints } from '../stage/backlog.ts';
import { addHanging } from '../stage/hanging-customers.ts';
import { waitForArrivals } from './measure-deliveries.ts';
import { prepareTasks, USUAL_STAGE } from './measure-orders.ts';
import { hangingStage } from './shared-stages.ts';

const HANGING = 10;
/** All of the stage but as many as hang. */
const HEALTHY = USUAL_STAGE.customerServers - HANGING;
/** Over all hundred, evenly. */
const PER_SECOND = 100;
/** Of each that hangs: far more than its window. */
const BACKLOG = 400;
/** So that many attempts time out at one moment, as they do when a server begins to hang. */
const SECONDS = { usual: 14, quick: 3 };
const QUICK_TIMEOUT_MS = 1_500;
const WARM_UP_SECONDS = 1;

export const hangingEndpoints: Benchmark = {
  id: 'P4',
  title: 'healthy endpoints beside ten that hang',
  shares: hangingStage,
  async run({ quick, share }) {
    const { stage, worker, http } = await share(hangingStage);
    const cpu = [...stage.cpu, ofProcess('worker', worker.pid), ofProcess('driver', http.pid)];
    const healthy = stage.customerServers.slice(0, HEALTHY);

    /** @param others who get as many changes each as the healthy, and are not looked at */
    async function measure(
      others: readonly CustomerServer[],
      doOthersAnswer: boolean,
      isWarmUp: boolean,
    ): Promise<Round> {
      const seconds = isWarmUp ? WARM_UP_SECONDS : quick ? SECONDS.quick : SECONDS.usual;
      const count = seconds * PER_SECOND;
      const tasks = await prepareTasks(stage, [...healthy, ...others], ['create'], count);
      await stage.receiver.call('forget', {});
      const stopCounting = await countCpu(cpu);
      await http.call('pace', { steps: ['create'], tasks, perSecond: PER_SECOND });
      const arriving = doOthersAnswer ? count : (count * HEALTHY) / (HEALTHY + HANGING);
      const samples = toHealthySamples(await waitForArrivals(stage, arriving));
      return {
        value: quantile(sortLatencies(samples), 0.99),
        units: count,
        cpu: await stopCounting(),
        samples,
      };
    }

    async function measureBesideHanging(isWarmUp: boolean): Promise<Round> {
      const hanging = await addHanging(stage, HANGING);
      if (quick) {
        for (const each of hanging.customerServers) {
          await changeEndpoint(stage, each, { timeoutMs: QUICK_TIMEOUT_MS });
        }
      }
      const { pool } = stage.database;
      await fillBacklog(pool, hanging.customerServers, HANGING * BACKLOG);
      await openEndpoints(pool, hanging.customerServers);
      const round = await measure(hanging.customerServers, false, isWarmUp);
      await hanging.leave();
      return round;
    }

    const rounds = await measureInTurns(quick ? 1 : 2, {
      ours: measureBesideHanging,
      bare: (isWarmUp) => measure(stage.customerServers.slice(HEALTHY), true, isWarmUp),
    });
    return {
      rows: [
        buildRow(
          {
            id: 'P4',
            title: `from change to receipt at ${HEALTHY} endpoints beside ${HANGING} that hang, p99`,
            bareTitle: 'the same beside as many that answer',
            unit: 'ms',
            aim: { kind: 'at most', ratio: 1.5 },
            notes: [
              `${PER_SECOND} orders/s over all of them. Those that hang begin with ${BACKLOG} deliveries each that wait, at the beginning of each round.`,
              `A round lasts ${SECONDS.usual} s, so that their first attempts time out in it, all at one moment (after 10 s; in a quick run after ${QUICK_TIMEOUT_MS / 1_000} of ${SECONDS.quick} s).`,
            ],
          },
          rounds,
        ),
      ],
    };
  },
};

/** Of the endpoints that answer in both kinds of round. */
function toHealthySamples(arrivals: readonly Receipt[]): Sample[] {
  const paths = new Set(Array.from({ length: HEALTHY }, (_, n) => `/${n}`));
  const healthy = arrivals.filter(({ path }) => paths.has(path));
  const firstAt = healthy[0]?.receivedAt ?? 0;
  return healthy.map(({ receivedAt, latencyMs }) => ({ atMs: receivedAt - firstAt, latencyMs }));
}
