/** P1: how many status changes the API takes, against the statements that they consist of. */
import type { Benchmark } from '../benchmark.ts';
import { buildRow, measureInTurns } from '../measure/compare.ts';
import { ofProcess } from '../measure/cpu-meter.ts';
import { CHANGE_STEPS } from '../peers/order-load.ts';
import { waitForArrivals } from './measure-deliveries.ts';
import { CLIENTS, measureOrders } from './measure-orders.ts';
import { callsStage, deliveringStage } from './shared-stages.ts';

const AIM = { kind: 'at least', ratio: 0.6 } as const;
const BARE_TITLE = 'the same statements through pg, on a pool of the same size';
const MIX =
  'Each order goes from pending to completed: accept, start, request-payment, confirm-payment, complete.';

export const statusChanges: Benchmark = {
  id: 'P1',
  title: `status changes over HTTP, ${CLIENTS} clients`,
  shares: callsStage,
  async run({ quick, share }) {
    const { stage, http, statements } = await share(callsStage);
    const round = {
      steps: CHANGE_STEPS,
      seconds: quick ? 1 : 3,
      callers: stage.customerServers,
      prepare: stage.settle,
    };
    const rounds = await measureInTurns(quick ? 2 : 3, {
      ours: measureOrders(stage, http, { ...round, name: 'driver' }),
      bare: measureOrders(stage, statements, { ...round, name: 'statements' }),
    });
    return {
      rows: [
        buildRow(
          {
            id: 'P1',
            title: 'status changes over HTTP',
            bareTitle: BARE_TITLE,
            unit: 'changes/s',
            aim: AIM,
            notes: [
              MIX,
              'No worker runs: the API has the machine to itself, but for the load driver and the database.',
            ],
          },
          rounds,
        ),
      ],
    };
  },
};

export const deliveredChanges: Benchmark = {
  id: 'P1d',
  title: 'status changes while a worker delivers them',
  shares: deliveringStage,
  async run({ quick, share }) {
    if (quick) return {};
    const { stage, worker, http, statements } = await share(deliveringStage);
    const round = {
      steps: CHANGE_STEPS,
      seconds: 3,
      cpu: [ofProcess('worker', worker.pid)],
    };
    const rounds = await measureInTurns(3, {
      ours: measureOrders(stage, http, {
        ...round,
        callers: stage.customerServers,
        prepare: () => stage.receiver.call('forget', {}),
        finish: (count) => waitForArrivals(stage, count),
        name: 'driver',
      }),
      bare: measureOrders(stage, statements, {
        ...round,
        callers: stage.silentCustomerServers,
        prepare: stage.settleSilent,
        name: 'statements',
      }),
    });
    return {
      rows: [
        buildRow(
          {
            id: 'P1d',
            title: 'status changes while a worker delivers them',
            bareTitle: `${BARE_TITLE}, which nobody delivers`,
            unit: 'changes/s',
            aim: AIM,
            notes: ['The worker takes its share of the same processors for every change that the API takes.'],
          },
          rounds,
        ),
      ],
    };
  },
};
