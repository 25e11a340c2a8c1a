/** C1: what a delivery costs, by the number of endpoints that a backlog is for, with the queue in Redis and in PostgreSQL. */
import type { Benchmark } from '../benchmark.ts';
import type { CreateStage, Stage } from '../stage/create-stage.ts';
import {
  COST_LABEL,
  type CurvePoint,
  createCurveStage,
  measureDrainCost,
  noteCosts,
  ORDINARY_BODY,
} from './measure-drain-cost.ts';

/** Whole orders of four changes for each of the most endpoints. */
const ON_REDIS = { endpoints: [1, 10, 100, 1_000], deliveries: 4_000 };
/** It is slower. */
const ON_POSTGRES = { endpoints: [1, 10, 100], deliveries: 800 };

export const endpointCurve: Benchmark = {
  id: 'C1',
  title: 'cost against endpoints and the kind of queue',
  async run({ quick, hasRedis, createStage }) {
    if (quick) return {};
    const first = await measureLine(createStage, hasRedis ? ON_REDIS : ON_POSTGRES, {});
    const onPostgres = hasRedis ? await measureLine(createStage, ON_POSTGRES, { redisUrl: null }) : null;
    return {
      curves: [
        {
          id: 'C1',
          title: 'A delivery, by the endpoints that a backlog is for',
          xLabel: 'endpoints',
          yLabel: COST_LABEL,
          lines: [
            { name: hasRedis ? 'queue in Redis' : 'queue in PostgreSQL', points: first.points },
            ...(onPostgres === null ? [] : [{ name: 'queue in PostgreSQL', points: onPostgres.points }]),
          ],
          notes: [
            `${ON_REDIS.deliveries} deliveries (${ON_POSTGRES.deliveries} with the queue in PostgreSQL). With few of each endpoint, fewer go together.`,
            ...noteCosts(first.stage),
          ],
        },
      ],
    };
  },
};

async function measureLine(
  createStage: CreateStage,
  { endpoints, deliveries }: typeof ON_REDIS,
  queue: { readonly redisUrl?: null },
): Promise<{ stage: Stage; points: CurvePoint[] }> {
  const { stage, worker } = await createCurveStage(createStage, Math.max(...endpoints), queue);
  const points: CurvePoint[] = [];
  for (const x of endpoints) {
    const customerServers = stage.customerServers.slice(0, x);
    const options = {
      stage,
      workers: [worker],
      customerServers,
      count: deliveries,
      bodyBytes: ORDINARY_BODY,
    };
    points.push({ x, y: (await measureDrainCost(options)).msEach });
  }
  // Its relay would go on asking beside what is measured next.
  await worker.stop();
  return { stage, points };
}
