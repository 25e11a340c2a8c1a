import type { OrderResource } from '@vendor-server/domain/webhooks/webhook-body.ts';
import type { Caller } from './create-caller.ts';

/** The service order of the integration guide's example. */
export const SERVICE_ORDER = {
  customerId: 'customer-123',
  customerName: 'John Doe',
  customerPhone: '+919876543210',
  customerAddress: '123 Main Street, City',
  workType: 'electronics_repair',
  description: 'Fix smartphone screen',
  location: { latitude: 28.7041, longitude: 77.1025 },
  estimatedPrice: 250,
};

/** The statuses of `walkOrder`, from creation to completion: its versions are their places, from 1. */
export const WALKED_STATUSES = [
  'pending',
  'accepted',
  'in_progress',
  'payment_requested',
  'payment_confirmed',
  'completed',
] as const;

/** @returns its id */
export async function createOrder(customerServer: Caller): Promise<string> {
  const { orderId } = await customerServer.ask<{ orderId: string }>(
    'POST',
    '/api/external/orders',
    SERVICE_ORDER,
  );
  return orderId;
}

export function cancelOrder(customerServer: Caller, orderId: string): Promise<OrderResource> {
  return customerServer.ask('POST', `/api/external/orders/${orderId}/cancel`, { reason: 'changed my mind' });
}

export interface OrderParties {
  readonly customerServer: Caller;
  readonly vendor: Caller;
}

/** Takes a pending order to its completion, one request after the other. */
export async function walkOrder(parties: OrderParties, orderId: string): Promise<void> {
  await parties.vendor.ask('POST', `/api/vendor/orders/${orderId}/accept`, {});
  await finishOrder(parties, orderId);
}

/** The same for an order that the vendor has accepted already. */
export async function finishOrder({ customerServer, vendor }: OrderParties, orderId: string): Promise<void> {
  const own = `/api/vendor/orders/${orderId}`;
  await vendor.ask('POST', `${own}/start`, {});
  await vendor.ask('POST', `${own}/request-payment`, { amount: 300, notes: 'Parts will be ordered' });
  await customerServer.ask('POST', `/api/external/orders/${orderId}/confirm-payment`, {});
  await vendor.ask('POST', `${own}/complete`, {});
}
