import type { CustomerServer } from '@vendor-server/e2e/system/add-customer-server.ts';
import type { MeasureRound } from '../measure/compare.ts';
import { type CpuSource, countCpu, ofProcess } from '../measure/cpu-meter.ts';
import { type Round, toRate } from '../measure/round.ts';
import type { LoadCalls, OrderStep, OrderTask } from '../peers/order-load.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { Stage } from '../stage/create-stage.ts';
import { insertPendingOrders } from '../stage/insert-pending-orders.ts';

/** Each a connection that is kept, with one request at a time. */
export const CLIENTS = 32;
/** What most is measured on. */
export const USUAL_STAGE = { customerServers: 100, vendors: 20, history: 8_000 };
/** As the API's own pool for these statements. */
const API_CONNECTIONS = 8;
const WARM_UP_SECONDS = 1;
/** Of tasks that are made for a round. Where more could be taken, a round ends sooner; its rate is right all the same. */
const MOST_STEPS_PER_SECOND = 5_000;

const HTTP_LOAD = new URL('../peers/http-load.ts', import.meta.url);
const STATEMENT_LOAD = new URL('../peers/statement-load.ts', import.meta.url);

/** A process that calls the API as its callers do. */
export async function startHttpLoad(stage: Stage): Promise<Peer<LoadCalls>> {
  const driver = await stage.startPeer<LoadCalls>('driver', HTTP_LOAD);
  await driver.call('connect', { url: stage.apiUrl(), connections: CLIENTS });
  return driver;
}

/** A process that sends the statements of the same calls, on a pool like the API's. */
export async function startStatementLoad(stage: Stage): Promise<Peer<LoadCalls>> {
  const statements = await stage.startPeer<LoadCalls>('statements', STATEMENT_LOAD);
  await statements.call('connect', { url: stage.databaseUrl, connections: API_CONNECTIONS });
  return statements;
}

type Caller = Pick<CustomerServer, 'customerServerId' | 'secret'>;

export interface OrdersRound {
  /** Whose orders they are. */
  readonly callers: readonly Caller[];
  /** Before each round. */
  readonly prepare: () => Promise<void>;
  /** After each round, when its processor time has been counted. */
  readonly finish?: (count: number) => Promise<unknown>;
  /** Whose processor time is counted, besides the stage's and the peer's. */
  readonly cpu?: readonly CpuSource[];
  readonly steps: readonly OrderStep[];
  readonly seconds: number;
  /** As whom `peer` appears in the processor times. */
  readonly name: string;
}

/** Rounds of steps on orders that nobody has touched; each step is a unit. */
export function measureOrders(stage: Stage, peer: Peer<LoadCalls>, options: OrdersRound): MeasureRound {
  const { steps, name, callers, prepare, finish, cpu: further = [] } = options;
  return async (isWarmUp): Promise<Round> => {
    const seconds = isWarmUp ? WARM_UP_SECONDS : options.seconds;
    await prepare();
    const tasks = await prepareTasks(
      stage,
      callers,
      steps,
      Math.ceil((seconds * MOST_STEPS_PER_SECOND) / steps.length),
    );
    const stopCounting = await countCpu([...stage.cpu, ...further, ofProcess(name, peer.pid)]);
    const samples = await peer.call('drive', { steps, tasks, clients: CLIENTS, seconds });
    const cpu = await stopCounting();
    await finish?.(samples.length);
    return { value: toRate(samples), units: samples.length, cpu, samples };
  };
}

/** @param steps their orders are made beforehand, unless the first step makes them */
export async function prepareTasks(
  { vendors, database }: Stage,
  callers: readonly Caller[],
  steps: readonly OrderStep[],
  count: number,
): Promise<OrderTask[]> {
  const byId = new Map(callers.map(({ customerServerId: id, secret }) => [id, { id, secret }] as const));
  const ids = [...byId.keys()];
  const orders =
    steps[0] === 'create'
      ? Array.from({ length: count }, (_, n) => ({
          orderId: null,
          customerServerId: ids[n % ids.length] ?? '',
        }))
      : await insertPendingOrders(database.pool, ids, count);
  return orders.map(({ orderId, customerServerId }, index) => {
    const customerServer = byId.get(customerServerId);
    const vendor = vendors[index % vendors.length];
    if (customerServer === undefined || vendor === undefined) throw new Error('the stage is empty');
    return { orderId, customerServer, vendor: { id: vendor.vendorId, apiKey: vendor.apiKey } };
  });
}
