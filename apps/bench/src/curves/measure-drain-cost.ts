import type { CustomerServer } from '@vendor-server/e2e/system/add-customer-server.ts';
import { ofProcess } from '../measure/cpu-meter.ts';
import { measureDrain } from '../rows/measure-deliveries.ts';
import { fillBacklog, openEndpoints } from '../stage/backlog.ts';
import type { CreateStage, Stage, StageProcess } from '../stage/create-stage.ts';

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

export const COST_LABEL = 'processor ms for each delivery';
const MEASURED_ONCE = 'Each point is one drain: a bend that comes back in another run is one.';
/** As long as a service order's, in bytes. */
export const ORDINARY_BODY = 1_000;
/** Of which the cost is: not whoever receives. */
const OURS = ['worker', 'postgres', 'redis'];
const HISTORY = 4_000;
const WARM_UP = { endpoints: 10, deliveries: 1_200 };

export interface CurveStage {
  readonly stage: Stage;
  readonly worker: StageProcess;
}

/** A system with so many endpoints and a worker that has been at work before. */
export async function createCurveStage(
  createStage: CreateStage,
  endpoints: number,
  queue: { readonly redisUrl?: null },
): Promise<CurveStage> {
  const stage = await createStage({ customerServers: endpoints, vendors: 1, history: HISTORY, ...queue });
  const worker = await stage.startWorker();
  await measureDrainCost({
    stage,
    workers: [worker],
    customerServers: stage.customerServers.slice(0, WARM_UP.endpoints),
    count: WARM_UP.deliveries,
    bodyBytes: ORDINARY_BODY,
  });
  return { stage, worker };
}

/** What every curve says of itself. A server that was given is not among those whose processor time is known. */
export function noteCosts({ cpu }: Stage): string[] {
  const counted = cpu.map(({ process }) => process).filter((process) => OURS.includes(process));
  return [`Processor time of ${['worker', ...counted].join(', ')}.`, MEASURED_ONCE];
}

export interface DrainCostOptions {
  readonly stage: Stage;
  readonly workers: readonly StageProcess[];
  readonly customerServers: readonly CustomerServer[];
  /** Whole orders of four changes for each of them. */
  readonly count: number;
  readonly bodyBytes: number;
}

export interface DrainCost {
  readonly perSecond: number;
  /** Processor time of workers, database and queue for each delivery. */
  readonly msEach: number;
}

/** What a delivery of a backlog costs while it goes out, and how fast it does. */
export async function measureDrainCost(options: DrainCostOptions): Promise<DrainCost> {
  const { stage, workers, customerServers, count, bodyBytes } = options;
  const { pool } = stage.database;
  const drain = measureDrain(stage, {
    count,
    fill: (part) => fillBacklog(pool, customerServers, part, bodyBytes),
    begin: () => openEndpoints(pool, customerServers),
    cpu: workers.map(({ pid }) => ofProcess('worker', pid)),
  });
  const { value, units, cpu } = await drain(false);
  const own = cpu.filter(({ process }) => OURS.includes(process));
  return { perSecond: value, msEach: (own.reduce((sum, { seconds }) => sum + seconds, 0) * 1_000) / units };
}
