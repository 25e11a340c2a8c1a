/** C3: what a delivery costs, by the size of its body. */
import type { Benchmark } from '../benchmark.ts';
import {
  COST_LABEL,
  type CurvePoint,
  createCurveStage,
  measureDrainCost,
  noteCosts,
} from './measure-drain-cost.ts';

const KILOBYTES = [1, 10, 100];
const KILOBYTE = 1_000;
const ENDPOINTS = 100;
const DELIVERIES = 1_200;

export const bodyCurve: Benchmark = {
  id: 'C3',
  title: 'cost against the size of bodies',
  async run({ quick, createStage }) {
    if (quick) return {};
    const { stage, worker } = await createCurveStage(createStage, ENDPOINTS, {});
    const points: CurvePoint[] = [];
    for (const x of KILOBYTES) {
      const { customerServers } = stage;
      const options = {
        stage,
        workers: [worker],
        customerServers,
        count: DELIVERIES,
        bodyBytes: x * KILOBYTE,
      };
      points.push({ x, y: (await measureDrainCost(options)).msEach });
    }
    return {
      curves: [
        {
          id: 'C3',
          title: 'A delivery, by the size of its body',
          xLabel: 'kilobytes',
          yLabel: COST_LABEL,
          lines: [{ name: 'cost', points }],
          notes: ['The database keeps large bodies apart. These cannot be compressed.', ...noteCosts(stage)],
        },
      ],
    };
  },
};
