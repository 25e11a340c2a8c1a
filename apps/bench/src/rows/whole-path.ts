/** P8: orders from creation to completion with all their webhooks, against the bare parts one after the other. */
import { clockNow } from '@vendor-server/e2e/receiver/received-request.ts';
import type { Benchmark } from '../benchmark.ts';
import { buildRow, type MeasureRound, measureInTurns } from '../measure/compare.ts';
import { countCpu, ofProcess } from '../measure/cpu-meter.ts';
import type { Round, Sample } from '../measure/round.ts';
import type { BareDeliveryCalls } from '../peers/bare-delivery-calls.ts';
import { CHANGE_STEPS, type LoadCalls } from '../peers/order-load.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { Stage, StageProcess } from '../stage/create-stage.ts';
import { measureBareDrain, waitForArrivals } from './measure-deliveries.ts';
import { CLIENTS, prepareTasks } from './measure-orders.ts';
import { deliveringStage } from './shared-stages.ts';

/** Of each order; one webhook each. */
export const STEPS = ['create', ...CHANGE_STEPS] as const;
const ORDERS = { onRedis: 400, onPostgres: 100, quick: 100 };
/** Not the system's: in ours and in the bare parts somebody calls and somebody receives. */
const OUTSIDE = ['driver', 'receiver'];

export const wholePath: Benchmark = {
  id: 'P8',
  title: 'the whole path, with six webhooks for each order',
  shares: deliveringStage,
  async run({ quick, hasRedis, share }) {
    const { stage, worker, http, statements, bare } = await share(deliveringStage);
    const orders = ORDERS[quick ? 'quick' : hasRedis ? 'onRedis' : 'onPostgres'];
    const rounds = await measureInTurns(quick ? 2 : 3, {
      ours: measurePath(stage, { http, worker }, orders),
      bare: measureParts(stage, { statements, bare }, orders),
    });
    const notes = ['From the first call to the last receipt.'];
    const bareTitle = 'all statements through pg, then all webhooks by a BullMQ worker that records nothing';
    const toCost = (round: Round): Round => ({ ...round, value: toCpuMs(round) });
    return {
      rows: [
        buildRow(
          {
            id: 'P8',
            title: 'the whole path of an order: six changes, six webhooks',
            bareTitle,
            unit: 'orders/s',
            aim: { kind: 'at least', ratio: 0.5 },
            notes,
          },
          rounds,
        ),
        buildRow(
          {
            id: 'P8c',
            title: 'its processor time for each webhook',
            bareTitle: `${bareTitle}, their processor time`,
            unit: 'ms',
            aim: { kind: 'at most', ratio: 2 },
            notes: [`Of ${listProcesses(rounds.ours)}; without who calls and who receives.`],
          },
          { ours: rounds.ours.map(toCost), bare: rounds.bare.map(toCost) },
        ),
      ],
    };
  },
};

interface Path {
  readonly http: Peer<LoadCalls>;
  readonly worker: StageProcess;
}

function measurePath(stage: Stage, { http, worker }: Path, orders: number): MeasureRound {
  return async (): Promise<Round> => {
    await stage.receiver.call('forget', {});
    const tasks = await prepareTasks(stage, stage.customerServers, STEPS, orders);
    const cpu = [...stage.cpu, ofProcess('worker', worker.pid), ofProcess('driver', http.pid)];
    const stopCounting = await countCpu(cpu);
    const begunAt = clockNow();
    await http.call('drive', { steps: STEPS, tasks, clients: CLIENTS, seconds: null });
    const arrivals = await waitForArrivals(stage, orders * STEPS.length);
    const samples: Sample[] = arrivals.map(({ receivedAt, latencyMs }) => ({
      atMs: receivedAt - begunAt,
      latencyMs,
    }));
    const tookMs = Math.max(...samples.map(({ atMs }) => atMs));
    return { value: (orders * 1_000) / tookMs, units: arrivals.length, cpu: await stopCounting(), samples };
  };
}

interface BareParts {
  readonly statements: Peer<LoadCalls>;
  readonly bare: Peer<BareDeliveryCalls>;
}

/** The endpoints of these orders are paused: nobody is to deliver what the statements record. */
function measureParts(stage: Stage, { statements, bare }: BareParts, orders: number): MeasureRound {
  const drain = measureBareDrain(stage, bare, orders * STEPS.length);
  return async (isWarmUp): Promise<Round> => {
    await stage.settleSilent();
    const tasks = await prepareTasks(stage, stage.silentCustomerServers, STEPS, orders);
    const stopCounting = await countCpu([...stage.cpu, ofProcess('statements', statements.pid)]);
    const changes = await statements.call('drive', { steps: STEPS, tasks, clients: CLIENTS, seconds: null });
    const changesMs = Math.max(...changes.map(({ atMs }) => atMs));
    const changesCpu = await stopCounting();
    const drained = await drain(isWarmUp);
    const tookMs = changesMs + (drained.units * 1_000) / drained.value;
    return {
      value: (orders * 1_000) / tookMs,
      units: drained.units,
      cpu: [...changesCpu, ...drained.cpu],
      samples: drained.samples,
    };
  };
}

/** Those that are the system's, as far as their processor time is known. */
function ownUses({ cpu }: Round): Round['cpu'] {
  return cpu.filter(({ process }) => !OUTSIDE.includes(process));
}

function listProcesses(rounds: readonly Round[]): string {
  return [...new Set(rounds.flatMap(ownUses).map(({ process }) => process))].join(', ');
}

function toCpuMs(round: Round): number {
  return (ownUses(round).reduce((sum, { seconds }) => sum + seconds, 0) * 1_000) / round.units;
}
