/** The service order of the integration guide's example. */
export function buildServiceOrder(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    customerId: 'customer-123',
    customerName: 'John Doe',
    customerPhone: '+919876543210',
    customerAddress: '123 Main Street, City',
    workType: 'electronics_repair',
    description: 'Fix smartphone screen',
    location: { latitude: 28.7041, longitude: 77.1025 },
    estimatedPrice: 250,
    ...changes,
  };
}

/** The smallest full order. */
export function buildFullOrder(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    customerId: 'customer-123',
    pickup: { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] },
    drop: { address: '456 Oak Avenue, City', coordinates: [77.1125, 28.7141] },
    items: [{ title: 'Electronics Repair', qty: 1, price: 250 }],
    fare: 250,
    ...changes,
  };
}
