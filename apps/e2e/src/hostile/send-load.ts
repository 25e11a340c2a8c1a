import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomerServer } from '../system/add-customer-server.ts';
import { cancelOrder, createOrder } from '../system/walk-order.ts';

export interface LoadOptions {
  /** They take turns. */
  readonly customerServers: readonly CustomerServer[];
  /** Changes a second over all of them, at even distances, whether or not earlier ones were answered. */
  readonly perSecond: number;
  readonly seconds: number;
}

export interface SentChange {
  readonly customerServerId: string;
  readonly orderId: string;
  readonly version: number;
}

/**
 * A steady load of changes: each customer server creates an order and, in its next turn, cancels it.
 *
 * @returns what was answered with success, when everything was answered
 * @throws when the API refused one
 */
export async function sendLoad({ customerServers, perSecond, seconds }: LoadOptions): Promise<SentChange[]> {
  const pendingOrders = new Map<string, string>();

  async function change(customerServer: CustomerServer): Promise<SentChange> {
    const { customerServerId } = customerServer;
    const orderId = pendingOrders.get(customerServerId);
    if (orderId !== undefined) {
      pendingOrders.delete(customerServerId);
      await cancelOrder(customerServer, orderId);
      return { customerServerId, orderId, version: 2 };
    }
    const created = await createOrder(customerServer);
    pendingOrders.set(customerServerId, created);
    return { customerServerId, orderId: created, version: 1 };
  }

  const sent: Promise<SentChange>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const early = startedAt + (n * 1_000) / perSecond - performance.now();
    if (early > 0) await sleep(early);
    sent.push(change(customerServers[n % customerServers.length]!));
  }
  return Promise.all(sent);
}
