/** P1: how many status changes the API takes, against the statements that they consist of. */
import type { Benchmark } from '../benchmark.ts';
import { buildRow, type MeasureRound, measureInTurns } from '../measure/compare.ts';
import { ofProcess } from '../measure/cpu-meter.ts';
import { CHANGE_STEPS, type LoadCalls } from '../peers/order-load.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { Stage } from '../stage/create-stage.ts';
import { CLIENTS, measureOrders, startHttpLoad, startStatementLoad, USUAL_STAGE } from './measure-orders.ts';

const AIM = { kind: 'at least', ratio: 0.6 } as const;
const BARE_TITLE = 'the same statements through pg, on a pool of the same size';
const MIX =
  'Each order goes from pending to completed: accept, start, request-payment, confirm-payment, complete.';

export const statusChanges: Benchmark = {
  id: 'P1',
  title: `status changes over HTTP, ${CLIENTS} clients`,
  async run({ quick, createStage }) {
    const stage = await createStage(USUAL_STAGE);
    const http = await startHttpLoad(stage);
    const statements = await startStatementLoad(stage);
    const round = { steps: CHANGE_STEPS, seconds: quick ? 2 : 3 };
    const { ours, delivering, bare } = await measureInTurns(quick ? 2 : 5, {
      ours: measureOrders(stage, http, { ...round, name: 'driver' }),
      delivering: measureDelivering(stage, http, round.seconds),
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
          { ours, bare },
        ),
        buildRow(
          {
            id: 'P1d',
            title: 'the same while a worker delivers them',
            bareTitle: `${BARE_TITLE}, without a worker`,
            unit: 'changes/s',
            aim: AIM,
            notes: ['The worker takes its share of the same processors for every change that the API takes.'],
          },
          { ours: delivering, bare },
        ),
      ],
    };
  },
};

/** With a worker of its own, which is stopped before the next round removes what it works on. */
function measureDelivering(stage: Stage, http: Peer<LoadCalls>, seconds: number): MeasureRound {
  return async (isWarmUp) => {
    await stage.settle();
    const worker = await stage.startWorker();
    const seen = {
      ...stage,
      cpu: [...stage.cpu, ofProcess('worker', worker.pid)],
      settle: async () => undefined,
    };
    try {
      return await measureOrders(seen, http, { steps: CHANGE_STEPS, seconds, name: 'driver' })(isWarmUp);
    } finally {
      await worker.stop();
    }
  };
}
