/** P2: how fast a backlog goes out, against BullMQ and HTTP alone. */
import type { Benchmark } from '../benchmark.ts';
import { buildRow, measureInTurns } from '../measure/compare.ts';
import { ofProcess } from '../measure/cpu-meter.ts';
import { fillBacklog, openEndpoints } from '../stage/backlog.ts';
import { measureBareDrain, measureDrain } from './measure-deliveries.ts';
import { deliveringStage } from './shared-stages.ts';

/** Whole orders of four changes for each of the endpoints, also of a tenth of it. */
const BACKLOG = { onRedis: 20_000, onPostgres: 4_000, quick: 4_000 };

export const drain: Benchmark = {
  id: 'P2',
  title: 'draining a backlog over 100 endpoints',
  shares: deliveringStage,
  async run({ quick, hasRedis, share }) {
    const { stage, worker, bare } = await share(deliveringStage);
    const count = BACKLOG[quick ? 'quick' : hasRedis ? 'onRedis' : 'onPostgres'];
    const { pool } = stage.database;
    const rounds = await measureInTurns(quick ? 2 : 3, {
      ours: measureDrain(stage, {
        count,
        fill: (part) => fillBacklog(pool, stage.customerServers, part),
        begin: () => openEndpoints(pool, stage.customerServers),
        cpu: [ofProcess('worker', worker.pid)],
      }),
      bare: measureBareDrain(stage, bare, count),
    });
    return {
      rows: [
        buildRow(
          {
            id: 'P2',
            title: `draining ${count} deliveries over 100 endpoints`,
            bareTitle: 'a BullMQ worker that posts a body of the same size, and records nothing',
            unit: 'deliveries/s',
            aim: { kind: 'at least', ratio: 0.6 },
            notes: [
              'From the first receipt to the last. Four changes of each order: three of them wait for the one before.',
              'The endpoints have been healthy before, so that their windows are open.',
            ],
          },
          rounds,
        ),
      ],
    };
  },
};
