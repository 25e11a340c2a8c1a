/** The order of the integration guide, as it is shown throughout the API reference. */

export const EXAMPLE_VENDOR_DETAILS = {
  vendorId: '64a7b2c8f9e4d1a2b3c4d5e7',
  vendorName: 'Tech Repair Services',
  mobile: '+918765432109',
  businessAddress: '789 Service Lane, City',
  selectedServices: ['electronics_repair', 'appliance_repair'],
};

/** Just accepted by its vendor. */
export const EXAMPLE_ORDER = {
  orderId: '64a7b2c8f9e4d1a2b3c4d5e6',
  customerId: 'customer-123',
  status: 'accepted',
  updatedAt: '2023-12-04T10:30:00.000Z',
  orderData: {
    fare: 250,
    paymentMethod: 'cod',
    paymentStatus: 'pending',
    pickup: { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] },
    drop: { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] },
    items: [{ title: 'electronics_repair: Fix smartphone screen', qty: 1, price: 250 }],
    customerNotes: 'Fix smartphone screen',
    vendorNotes: 'Parts will be ordered',
    scheduledAt: null,
    assignedAt: '2023-12-04T10:25:00.000Z',
    acceptedAt: '2023-12-04T10:30:00.000Z',
    completedAt: null,
    cancelledAt: null,
    cancellationReason: null,
    cancelledBy: null,
    createdAt: '2023-12-04T10:20:00.000Z',
    metadata: {
      orderType: 'service',
      workType: 'electronics_repair',
      customerName: 'John Doe',
      customerPhone: '+919876543210',
      urgency: 'normal',
    },
    customerId: 'customer-123',
  },
  vendorDetails: EXAMPLE_VENDOR_DETAILS,
  version: 3,
};

/** The same order, further on. */
export function buildExampleOrder(changes: {
  status: string;
  version: number;
  updatedAt: string;
  orderData?: object;
  vendorDetails?: null;
}) {
  const { orderData, ...others } = changes;
  return { ...EXAMPLE_ORDER, ...others, orderData: { ...EXAMPLE_ORDER.orderData, ...orderData } };
}

export const EXAMPLE_CANCELLED_ORDER = buildExampleOrder({
  status: 'cancelled',
  version: 4,
  updatedAt: '2023-12-04T10:35:00.000Z',
  orderData: {
    cancelledAt: '2023-12-04T10:35:00.000Z',
    cancellationReason: 'No longer needed',
    cancelledBy: 'customer',
  },
});

export const EXAMPLE_PAID_ORDER = buildExampleOrder({
  status: 'payment_confirmed',
  version: 6,
  updatedAt: '2023-12-04T11:10:00.000Z',
  orderData: { paymentStatus: 'paid' },
});

export const EXAMPLE_SERVICE_ORDER_BODY = {
  customerId: 'customer-123',
  customerName: 'John Doe',
  customerPhone: '+919876543210',
  customerAddress: '123 Main Street, City',
  workType: 'electronics_repair',
  description: 'Fix smartphone screen',
  location: { latitude: 28.7041, longitude: 77.1025 },
  estimatedPrice: 250,
  urgency: 'normal',
  paymentMethod: 'cod',
};

export const EXAMPLE_FULL_ORDER_BODY = {
  customerId: 'customer-123',
  pickup: { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] },
  drop: { address: '456 Oak Avenue, City', coordinates: [77.1125, 28.7141] },
  items: [{ title: 'Electronics Repair: Fix smartphone screen', qty: 1, price: 250 }],
  fare: 250,
  paymentMethod: 'cod',
  customerNotes: 'Handle with care',
  metadata: { workType: 'electronics_repair' },
};
