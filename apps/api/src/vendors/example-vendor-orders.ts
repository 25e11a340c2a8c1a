/** The order of the integration guide after each step of its vendor. */
import { buildExampleOrder } from '../orders/example-order.ts';

export const EXAMPLE_ARRIVED_ORDER = buildExampleOrder({
  status: 'arrival_confirmed',
  version: 4,
  updatedAt: '2023-12-04T10:45:00.000Z',
  orderData: { vendorNotes: 'At the gate' },
});

export const EXAMPLE_ORDER_IN_PROGRESS = buildExampleOrder({
  status: 'in_progress',
  version: 4,
  updatedAt: '2023-12-04T10:45:00.000Z',
  orderData: { vendorNotes: 'On my way' },
});

export const EXAMPLE_ORDER_TO_BE_PAID = buildExampleOrder({
  status: 'payment_requested',
  version: 5,
  updatedAt: '2023-12-04T11:00:00.000Z',
  orderData: { fare: 275.5, vendorNotes: 'One part more' },
});

export const EXAMPLE_COMPLETED_ORDER = buildExampleOrder({
  status: 'completed',
  version: 7,
  updatedAt: '2023-12-04T11:15:00.000Z',
  orderData: {
    paymentStatus: 'paid',
    vendorNotes: 'Screen replaced',
    completedAt: '2023-12-04T11:15:00.000Z',
  },
});

export const EXAMPLE_VENDOR_CANCELLED_ORDER = buildExampleOrder({
  status: 'cancelled',
  version: 4,
  updatedAt: '2023-12-04T10:50:00.000Z',
  orderData: {
    cancelledAt: '2023-12-04T10:50:00.000Z',
    cancellationReason: 'Nobody was there',
    cancelledBy: 'vendor',
  },
});
