/** C2: what a delivery costs, and how fast a backlog goes out, by the number of workers. */
import type { Benchmark } from '../benchmark.ts';
import {
  COST_LABEL,
  type CurvePoint,
  createCurveStage,
  measureDrainCost,
  noteCosts,
  ORDINARY_BODY,
} from './measure-drain-cost.ts';

const WORKERS = [1, 2, 4];
const ENDPOINTS = 100;
/** Whole orders of four changes for each of the endpoints. */
const DELIVERIES = { onRedis: 4_000, onPostgres: 2_000 };
/** For each worker before any is measured: those that were added have not been at work before. */
const WARM_UP = { onRedis: 2_000, onPostgres: 800 };

export const workerCurve: Benchmark = {
  id: 'C2',
  title: 'cost and rate against workers',
  async run({ quick, hasRedis, createStage }) {
    if (quick) return {};
    const { stage, worker } = await createCurveStage(createStage, ENDPOINTS, {});
    const queue = hasRedis ? 'onRedis' : 'onPostgres';
    const workers = [worker];
    const costs: CurvePoint[] = [];
    const rates: CurvePoint[] = [];
    for (const x of WORKERS) {
      while (workers.length < x) workers.push(await stage.startWorker());
      const { customerServers } = stage;
      const options = { stage, workers, customerServers, bodyBytes: ORDINARY_BODY };
      await measureDrainCost({ ...options, count: WARM_UP[queue] * x });
      const { msEach, perSecond } = await measureDrainCost({ ...options, count: DELIVERIES[queue] });
      costs.push({ x, y: msEach });
      rates.push({ x, y: perSecond });
    }
    const notes = [
      'All of them share the machine with the database: with few processors more workers cannot be faster.',
      ...noteCosts(stage),
    ];
    const common = { xLabel: 'workers', notes };
    return {
      curves: [
        {
          ...common,
          id: 'C2',
          title: 'A delivery, by workers',
          yLabel: COST_LABEL,
          lines: [{ name: 'cost', points: costs }],
        },
        {
          ...common,
          id: 'C2r',
          title: 'How fast a backlog goes out, by workers',
          yLabel: 'deliveries/s',
          lines: [{ name: 'rate', points: rates }],
        },
      ],
    };
  },
};
