import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Got } from '../../history/history.ts';
import type { Random } from '../../history/testing/create-random.ts';
import type { CustomerServer } from '../../system/add-customer-server.ts';
import type { TestVendor } from '../../system/add-vendor.ts';
import { SERVICE_ORDER } from '../../system/walk-order.ts';
import type { OrderFacts, Teller } from './create-teller.ts';

export interface Walker {
  readonly teller: Teller;
  readonly customerServers: readonly CustomerServer[];
  readonly vendor: TestVendor;
  readonly random: Random;
  /** Between two changes of one walker, on average. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
}

/** Takes one order after the other from its creation to its end, until `signal`. */
export async function walkOrders(walker: Walker): Promise<void> {
  const { random, signal } = walker;
  while (!signal.aborted) {
    const customerServer = random.pick(walker.customerServers);
    const orderId = await create(walker, customerServer);
    if (orderId !== null) await finish(walker, customerServer, orderId);
  }
}

async function create({ teller, signal }: Walker, customerServer: CustomerServer): Promise<string | null> {
  const headers = { 'idempotency-key': randomUUID() };
  const got = await teller.askUntilKnown(
    { kind: 'change', orderId: null, to: 'pending' },
    () => customerServer.call<OrderFacts>('POST', '/api/external/orders', { body: SERVICE_ORDER, headers }),
    signal,
  );
  return got.kind === 'acknowledged' ? got.orderId : null;
}

async function finish(walker: Walker, customerServer: CustomerServer, orderId: string): Promise<void> {
  const { teller, vendor, random, signal } = walker;
  const own = `/api/vendor/orders/${orderId}`;
  const change = async (
    to: string,
    caller: Pick<CustomerServer, 'call'>,
    path: string,
  ): Promise<Got['kind']> => {
    await delay(random.next() * 2 * walker.pauseMs);
    if (signal.aborted) return 'unknown';
    const got = await teller.askUntilKnown(
      { kind: 'change', orderId, to },
      () => caller.call<OrderFacts>('POST', path, { body: {} }),
      signal,
    );
    return got.kind;
  };

  await change('accepted', vendor, `${own}/accept`);
  // There and back as often as it likes: an order of many changes is a long lane.
  for (let rounds = random.below(3); rounds > 0; rounds -= 1) {
    await change('in_progress', vendor, `${own}/start`);
    await change('arrival_confirmed', vendor, `${own}/confirm-arrival`);
  }
  await change('in_progress', vendor, `${own}/start`);
  if (random.chance(0.7)) await change('completed', vendor, `${own}/complete`);
  else await change('cancelled', customerServer, `/api/external/orders/${orderId}/cancel`);
}
