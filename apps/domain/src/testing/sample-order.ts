import type { OrderSnapshot, VendorSnapshot } from '../orders/order.ts';

/** The pending order of the integration guide's payload example, with `overrides` laid over it. */
export function sampleOrder(overrides: Partial<OrderSnapshot> = {}): OrderSnapshot {
  return {
    orderId: '64a7b2c8f9e4d1a2b3c4d5e6',
    customerServerId: '64a7b2c8f9e4d1a2b3c4d500',
    customerId: 'customer-123',
    status: 'pending',
    version: 1,
    statusActor: { type: 'customer_server', id: '64a7b2c8f9e4d1a2b3c4d500' },
    vendorId: null,
    fare: 250,
    paymentMethod: 'cod',
    paymentStatus: 'pending',
    pickup: { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] },
    drop: { address: '456 Oak Avenue, City', coordinates: [77.1125, 28.7141] },
    items: [{ title: 'Electronics Repair: Fix smartphone screen', qty: 1, price: 250 }],
    customerNotes: 'Handle with care',
    vendorNotes: null,
    scheduledAt: null,
    assignedAt: null,
    acceptedAt: null,
    completedAt: null,
    cancelledAt: null,
    cancellationReason: null,
    cancelledBy: null,
    metadata: {
      orderType: 'service',
      workType: 'electronics_repair',
      customerName: 'John Doe',
      customerPhone: '+919876543210',
      urgency: 'normal',
    },
    personalDataErasedAt: null,
    createdAt: new Date('2023-12-04T10:20:00.000Z'),
    updatedAt: new Date('2023-12-04T10:20:00.000Z'),
    ...overrides,
  };
}

/** The vendor of the same example. */
export function sampleVendor(overrides: Partial<VendorSnapshot> = {}): VendorSnapshot {
  return {
    vendorId: '64a7b2c8f9e4d1a2b3c4d5e7',
    vendorName: 'Tech Repair Services',
    mobile: '+918765432109',
    businessAddress: '789 Service Lane, City',
    selectedServices: ['electronics_repair', 'appliance_repair'],
    ...overrides,
  };
}
