/**
 * The bare part of a change: the very statements that the API sends for it, on a pool of the same size, with the same
 * decisions between them, and nothing else: no HTTP, no credentials, no queue.
 */

import { readNewOrderFacts } from '@vendor-server/api/offers/offers-sql.ts';
import { buildCreationRecord } from '@vendor-server/api/orders/build-creation-record.ts';
import { findOrderForTaker } from '@vendor-server/api/orders/find-order-for-taker-sql.ts';
import { writeNewOrder, writeOrderChange } from '@vendor-server/api/orders/order-change-sql.ts';
import {
  type FoundOrder,
  findOrderForCustomerServer,
  findOrderForVendor,
  findVendorSnapshot,
} from '@vendor-server/api/orders/order-row-sql.ts';
import { parseNewOrder } from '@vendor-server/api/orders/parse-new-order.ts';
import { buildNewOrder, workTypeOfInput } from '@vendor-server/domain/orders/build-new-order.ts';
import { decideTransition } from '@vendor-server/domain/orders/decide-transition.ts';
import type { OrderSnapshot, VendorSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { TransitionRequest } from '@vendor-server/domain/orders/transition-request.ts';
import { buildWebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import { SERVICE_ORDER } from '@vendor-server/e2e/system/walk-order.ts';
import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { LoadCalls, OrderStep, OrderTask } from './order-load.ts';
import { driveOrders, paceOrders } from './run-load.ts';
import { servePeer } from './serve-peer.ts';

type ChangeStep = Exclude<OrderStep, 'create'>;

let database: Database | null = null;

function pool(): Database['pool'] {
  if (database === null) throw new Error('connect comes first');
  return database.pool;
}

async function doStep(step: OrderStep, task: OrderTask, orderId: string | null): Promise<string> {
  if (step === 'create' || orderId === null) return create(task);
  await change(step, task, orderId);
  return orderId;
}

async function create({ customerServer }: OrderTask): Promise<string> {
  const input = parseNewOrder(SERVICE_ORDER);
  const { now } = await readNewOrderFacts(pool(), workTypeOfInput(input));
  const order = buildNewOrder(input, { orderId: createId(), customerServerId: customerServer.id }, now);
  await writeNewOrder(
    pool(),
    order,
    buildCreationRecord(order, { requestId: createId(), traceparent: null }),
  );
  return order.orderId;
}

async function change(step: ChangeStep, task: OrderTask, orderId: string): Promise<void> {
  const { found, request } = await read(step, task, orderId);
  if (found === null) throw new Error(`there is no order ${orderId}`);
  const decision = decideTransition(found.order, request, found.now);
  if (decision.kind !== 'changed') throw new Error(`${step} of order ${orderId} was ${decision.kind}`);
  const { next, from, reason } = decision;
  const vendor = await findVendorOf(next, found);
  const body = JSON.stringify(buildWebhookBody(next, from, vendor));
  const record = { transitionId: createId(), from, reason, body, requestId: createId(), traceparent: null };
  if ((await writeOrderChange(pool(), next, record)) === null)
    throw new Error(`order ${orderId} was changed`);
}

async function read(
  step: ChangeStep,
  { customerServer, vendor }: OrderTask,
  orderId: string,
): Promise<{ found: FoundOrder | null; request: TransitionRequest }> {
  const actor = { type: 'vendor', id: vendor.id } as const;
  switch (step) {
    case 'accept': {
      const found = await findOrderForTaker(pool(), vendor.id, orderId);
      const isOnline = found?.standing.isOnline ?? false;
      return { found, request: { action: 'accept', to: 'accepted', actor, isOffered: true, isOnline } };
    }
    case 'confirm-payment':
      return {
        found: await findOrderForCustomerServer(pool(), customerServer.id, orderId),
        request: {
          action: 'confirm_payment',
          to: 'payment_confirmed',
          actor: { type: 'customer_server', id: customerServer.id },
        },
      };
    case 'start':
    case 'request-payment':
    case 'complete':
      return {
        found: await findOrderForVendor(pool(), vendor.id, orderId),
        request: { ...VENDOR_REQUESTS[step], actor },
      };
  }
}

const VENDOR_REQUESTS = {
  start: { action: 'start', to: 'in_progress' },
  'request-payment': { action: 'request_payment', to: 'payment_requested' },
  complete: { action: 'complete', to: 'completed' },
} as const;

async function findVendorOf(next: OrderSnapshot, found: FoundOrder): Promise<VendorSnapshot | null> {
  const known = [found.vendor, found.taker].find((vendor) => vendor?.vendorId === next.vendorId);
  return known ?? (next.vendorId === null ? null : findVendorSnapshot(pool(), next.vendorId));
}

const calls: LoadCalls = {
  async connect({ url, connections }) {
    await database?.close();
    database = createDatabase({
      url,
      applicationName: 'bench-statements',
      maxConnections: connections,
      plansOnce: true,
    });
  },
  drive: (load) => driveOrders(load, doStep),
  pace: (load) => paceOrders(load, doStep),
};

servePeer(calls);
