/** P6: how many orders the API takes, against the statements that creating them consists of. */
import type { Benchmark } from '../benchmark.ts';
import { buildRow, measureInTurns } from '../measure/compare.ts';
import { CLIENTS, measureOrders } from './measure-orders.ts';
import { callsStage } from './shared-stages.ts';

export const orderCreation: Benchmark = {
  id: 'P6',
  title: `order creation over HTTP, ${CLIENTS} clients`,
  shares: callsStage,
  async run({ quick, share }) {
    const { stage, http, statements } = await share(callsStage);
    const round = {
      steps: ['create'],
      seconds: quick ? 1 : 3,
      callers: stage.customerServers,
      prepare: stage.settle,
    } as const;
    const rounds = await measureInTurns(quick ? 2 : 4, {
      ours: measureOrders(stage, http, { ...round, name: 'driver' }),
      bare: measureOrders(stage, statements, { ...round, name: 'statements' }),
    });
    return {
      rows: [
        buildRow(
          {
            id: 'P6',
            title: 'order creation over HTTP',
            bareTitle: 'the same statements through pg, on a pool of the same size',
            unit: 'orders/s',
            aim: { kind: 'at least', ratio: 0.6 },
            notes: ['No worker runs, as in P1.', 'Service orders without an idempotency key.'],
          },
          rounds,
        ),
      ],
    };
  },
};
