/** P1: how many status changes the API takes, against the statements that they consist of. */
import type { Benchmark } from '../benchmark.ts';
import { buildRow, measureInTurns } from '../measure/compare.ts';
import { countCpu, ofProcess } from '../measure/cpu-meter.ts';
import type { Round } from '../measure/round.ts';
import { CHANGE_STEPS, type LoadCalls, type OrderTask } from '../peers/order-load.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { Stage } from '../stage/create-stage.ts';
import { insertPendingOrders } from '../stage/insert-pending-orders.ts';

/** Each a connection that is kept, with one request at a time. */
const CLIENTS = 32;
/** As the API's own pool. */
const API_CONNECTIONS = 24;

export const statusChanges: Benchmark = {
  id: 'P1',
  title: 'status changes over HTTP, 32 clients',
  async run({ quick, createStage }) {
    const stage = await createStage({ customerServers: 100, vendors: 20 });
    const http = await stage.startPeer<LoadCalls>(
      'driver',
      new URL('../peers/http-load.ts', import.meta.url),
    );
    const bare = await stage.startPeer<LoadCalls>(
      'statements',
      new URL('../peers/statement-load.ts', import.meta.url),
    );
    await http.call('connect', { url: stage.apiUrl(), connections: CLIENTS });
    await bare.call('connect', { url: stage.databaseUrl, connections: API_CONNECTIONS });
    const seconds = quick ? 2 : 3;
    const measure = (peer: Peer<LoadCalls>) => () => measureChanges(stage, peer, seconds);
    const rounds = await measureInTurns(quick ? 2 : 5, { ours: measure(http), bare: measure(bare) });
    return {
      rows: [
        buildRow(
          {
            id: 'P1',
            title: 'status changes over HTTP',
            bareTitle: 'the same statements through pg, with a pool of the same size',
            unit: 'changes/s',
            aim: { kind: 'at least', ratio: 0.6 },
            notes: [],
          },
          rounds,
        ),
      ],
    };
  },
};

async function measureChanges(stage: Stage, peer: Peer<LoadCalls>, seconds: number): Promise<Round> {
  await stage.reset();
  const tasks = await prepareOrders(stage, seconds * 1_000);
  const stopCounting = await countCpu([...stage.cpu, ofProcess('driver', peer.pid)]);
  const samples = await peer.call('drive', { steps: CHANGE_STEPS, tasks, clients: CLIENTS, seconds });
  const cpu = await stopCounting();
  const tookMs = Math.max(...samples.map(({ atMs }) => atMs));
  return { value: (samples.length * 1_000) / tookMs, units: samples.length, cpu, samples };
}

async function prepareOrders(stage: Stage, count: number): Promise<OrderTask[]> {
  const { customerServers, vendors, database } = stage;
  const secrets = new Map(customerServers.map(({ customerServerId, secret }) => [customerServerId, secret]));
  const orders = await insertPendingOrders(database.pool, [...secrets.keys()], count);
  return orders.map(({ orderId, customerServerId }, index) => {
    const vendor = vendors[index % vendors.length];
    if (vendor === undefined) throw new Error('a load needs vendors');
    return {
      orderId,
      customerServer: { id: customerServerId, secret: secrets.get(customerServerId) ?? '' },
      vendor: { id: vendor.vendorId, apiKey: vendor.apiKey },
    };
  });
}
