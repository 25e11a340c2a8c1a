import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { type DeliveryRow, readDeliveries } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { vi } from 'vitest';
import type { Receiver } from '../receiver/create-receiver.ts';
import type { ReceivedRequest } from '../receiver/received-request.ts';

/** The customer's side of one order: what arrived about it. */
export interface Inbox {
  /** Each request as `<version> <status> #<attempt>`, in the order of arrival. */
  summary(): string[];
  requests(): ReceivedRequest[];
  /** Resolves to the first request of that version and attempt. */
  waitFor(version: number, attempt?: number): Promise<ReceivedRequest>;
}

const DEFAULT_WAIT_MS = 30_000;

export function openInbox(receiver: Receiver, orderId: string): Inbox {
  const isOfOrder = (request: ReceivedRequest) => request.header('x-webhook-order-id') === orderId;
  return {
    requests: () => receiver.requests.filter(isOfOrder),
    summary: () => receiver.requests.filter(isOfOrder).map(summarize),
    waitFor: (version, attempt = 1) =>
      receiver.waitFor(
        (request) =>
          isOfOrder(request) &&
          request.header('x-webhook-version') === String(version) &&
          request.header('x-webhook-attempt') === String(attempt),
        DEFAULT_WAIT_MS,
      ),
  };
}

function summarize(request: ReceivedRequest): string {
  const { status } = request.json() as { status: string };
  return `${request.header('x-webhook-version')} ${status} #${request.header('x-webhook-attempt')}`;
}

/** What `summary` gives when each version arrived once. */
export function eachOnce(statuses: readonly string[]): string[] {
  return statuses.map((status, index) => `${index + 1} ${status} #1`);
}

/**
 * Waits until so many deliveries of an order have ended: from then on nothing is sent about it any more, so
 * that what arrived can be counted.
 */
export async function waitUntilEnded(
  { pool }: Pick<Database, 'pool'>,
  orderId: string,
  count: number,
  timeoutMs = DEFAULT_WAIT_MS,
): Promise<DeliveryRow[]> {
  return vi.waitFor(
    async () => {
      const rows = await readDeliveries(pool, orderId);
      const open = rows.filter(({ state }) => ['blocked', 'waiting', 'queued'].includes(state));
      if (rows.length === count && open.length === 0) return rows;
      throw new Error(
        `${count} deliveries of order ${orderId} should have ended: ${JSON.stringify(rows, null, 1)}`,
      );
    },
    { timeout: timeoutMs, interval: 25 },
  );
}
