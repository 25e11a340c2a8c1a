/** The process that calls the API as customer servers and vendors do, over kept connections. */
import { SERVICE_ORDER } from '@vendor-server/e2e/system/walk-order.ts';
import { Pool } from 'undici';
import type { LoadCalls, OrderStep, OrderTask } from './order-load.ts';
import { driveOrders, paceOrders } from './run-load.ts';
import { servePeer } from './serve-peer.ts';

const NEW_ORDER = JSON.stringify(SERVICE_ORDER);
const JSON_CONTENT = { 'content-type': 'application/json' };

let pool: Pool | null = null;

async function doStep(step: OrderStep, task: OrderTask, orderId: string | null): Promise<string> {
  if (orderId === null) {
    const { data } = JSON.parse(await post(toRequest('create', task, ''))) as { data: { orderId: string } };
    return data.orderId;
  }
  await post(toRequest(step, task, orderId));
  return orderId;
}

interface LoadRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function toRequest(step: OrderStep, { customerServer, vendor }: OrderTask, orderId: string): LoadRequest {
  const customerHeaders = { ...JSON_CONTENT, 'x-customer-secret': customerServer.secret };
  if (step === 'create') return { path: '/api/external/orders', headers: customerHeaders, body: NEW_ORDER };
  if (step === 'confirm-payment') {
    return { path: `/api/external/orders/${orderId}/${step}`, headers: customerHeaders, body: '{}' };
  }
  const headers = { ...JSON_CONTENT, authorization: `Bearer ${vendor.apiKey}` };
  return { path: `/api/vendor/orders/${orderId}/${step}`, headers, body: '{}' };
}

async function post({ path, headers, body }: LoadRequest): Promise<string> {
  if (pool === null) throw new Error('connect comes first');
  const answer = await pool.request({ method: 'POST', path, headers, body });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`POST ${path} was answered ${answer.statusCode}: ${text}`);
  return text;
}

const calls: LoadCalls = {
  async connect({ url, connections }) {
    pool = new Pool(url, { connections });
  },
  drive: (load) => driveOrders(load, doStep),
  pace: (load) => paceOrders(load, doStep),
};

servePeer(calls);
