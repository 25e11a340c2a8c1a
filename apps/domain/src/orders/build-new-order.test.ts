import { describe, expect, it } from 'vitest';
import {
  buildNewOrder,
  type FullOrderInput,
  type ServiceOrderInput,
  workTypeOfInput,
} from './build-new-order.ts';
import { TRANSITIONS } from './transition-table.ts';
import { workTypeOf } from './work-type-of.ts';

const IDS = { orderId: '64a7b2c8f9e4d1a2b3c4d5e6', customerServerId: '64a7b2c8f9e4d1a2b3c4d500' };
const NOW = new Date('2023-12-04T10:20:00.000Z');

const serviceOrder: ServiceOrderInput = {
  customerId: 'customer-123',
  customerName: 'John Doe',
  customerPhone: '+919876543210',
  customerAddress: '123 Main Street, City',
  workType: 'electronics_repair',
  description: 'Fix smartphone screen',
  location: { latitude: 28.7041, longitude: 77.1025 },
};

const fullOrder: FullOrderInput = {
  customerId: 'customer-123',
  pickup: { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] },
  drop: { address: '456 Oak Avenue, City', coordinates: [77.1125, 28.7141] },
  items: [{ title: 'Parcel', qty: 2, price: 10.5 }],
  fare: 250,
};

const untouched = {
  ...IDS,
  customerId: 'customer-123',
  status: 'pending',
  version: 1,
  statusActor: { type: 'customer_server', id: IDS.customerServerId },
  vendorId: null,
  paymentStatus: 'pending',
  vendorNotes: null,
  scheduledAt: null,
  assignedAt: null,
  acceptedAt: null,
  completedAt: null,
  cancelledAt: null,
  cancellationReason: null,
  cancelledBy: null,
  personalDataErasedAt: null,
  createdAt: NOW,
  updatedAt: NOW,
};

describe('a service order', () => {
  const place = { address: '123 Main Street, City', coordinates: [77.1025, 28.7041] };

  it('becomes one item at one place, with defaults', () => {
    expect(buildNewOrder(serviceOrder, IDS, NOW)).toEqual({
      ...untouched,
      fare: 0,
      paymentMethod: 'cod',
      pickup: place,
      drop: place,
      items: [{ title: 'electronics_repair: Fix smartphone screen', qty: 1, price: 0 }],
      customerNotes: 'Fix smartphone screen',
      metadata: {
        orderType: 'service',
        workType: 'electronics_repair',
        customerName: 'John Doe',
        customerPhone: '+919876543210',
        urgency: 'normal',
      },
    });
  });

  it('keeps what was given, and its own facts win over the metadata sent', () => {
    const scheduledAt = new Date('2023-12-05T09:00:00.000Z');
    const order = buildNewOrder(
      {
        ...serviceOrder,
        estimatedPrice: 249.99,
        urgency: 'high',
        paymentMethod: 'wallet',
        scheduledAt,
        metadata: { floor: 3, workType: 'something else', orderType: 'mine' },
      },
      IDS,
      NOW,
    );
    expect(order).toMatchObject({
      fare: 249.99,
      items: [{ price: 249.99 }],
      paymentMethod: 'wallet',
      scheduledAt,
      metadata: { floor: 3, workType: 'electronics_repair', orderType: 'service', urgency: 'high' },
    });
  });

  it('carries a prototype key in the metadata as plain data', () => {
    const metadata = JSON.parse('{"__proto__":{"polluted":true}}');
    const order = buildNewOrder({ ...serviceOrder, metadata }, IDS, NOW);
    expect(Object.getPrototypeOf(order.metadata)).toBe(Object.prototype);
    expect(order.metadata['polluted']).toBeUndefined();
  });
});

describe('a full order', () => {
  it('is taken as it is, with defaults', () => {
    expect(buildNewOrder(fullOrder, IDS, NOW)).toEqual({
      ...untouched,
      fare: 250,
      paymentMethod: 'cod',
      pickup: fullOrder.pickup,
      drop: fullOrder.drop,
      items: fullOrder.items,
      customerNotes: null,
      metadata: {},
    });
  });

  it('keeps what was given', () => {
    const given = {
      paymentMethod: 'online',
      customerNotes: 'Handle with care',
      scheduledAt: NOW,
      metadata: { a: [1] },
    } as const;
    const metadata = { a: [1] };
    expect(buildNewOrder({ ...fullOrder, ...given, metadata }, IDS, NOW)).toMatchObject(given);
  });

  it('leaves unknown fields out of places and items', () => {
    const strange = {
      ...fullOrder,
      pickup: { ...fullOrder.pickup, floor: 3 },
      items: [{ title: 'Parcel', qty: 1, price: 1, weight: 2 }],
    };
    const order = buildNewOrder(strange, IDS, NOW);
    expect(order.pickup).toEqual(fullOrder.pickup);
    expect(order.items).toEqual([{ title: 'Parcel', qty: 1, price: 1 }]);
  });
});

it('starts where the table says orders start', () => {
  const creation = TRANSITIONS.find((rule) => rule.action === 'create');
  const order = buildNewOrder(fullOrder, IDS, NOW);
  expect(order.status).toBe(creation?.to);
  expect(creation?.by).toContain(order.statusActor.type);
});

it.each<[string | null, ServiceOrderInput | FullOrderInput]>([
  ['electronics_repair', serviceOrder],
  ['electronics_repair', { ...serviceOrder, metadata: { workType: 'plumbing' } }],
  ['plumbing', { ...fullOrder, metadata: { workType: 'plumbing' } }],
  [null, { ...fullOrder, metadata: { workType: 7 } }],
  [null, fullOrder],
])('the work type %s is known before the order is built', (workType, input) => {
  expect(workTypeOfInput(input)).toBe(workType);
  expect(workTypeOf(buildNewOrder(input, IDS, NOW))).toBe(workType);
});
