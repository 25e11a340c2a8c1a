import { describe, expect, it } from 'vitest';
import { sampleOrder, sampleVendor } from '../testing/sample-order.ts';
import { buildWebhookBody, type WebhookBody } from '../webhooks/webhook-body.ts';
import { buildNewOrder } from './build-new-order.ts';
import { erasePersonalData, erasePersonalDataFromBody, eraseReason } from './erase-personal-data.ts';
import type { OrderSnapshot } from './order.ts';

const SECRETS = ['Ada', '+4915', 'Elm', 'ring twice', 'dog', 'ill', 'blue door', '52.5', '13.4', 'vip'];

function serviceOrder(): OrderSnapshot {
  const order = buildNewOrder(
    {
      customerId: 'customer-123',
      customerName: 'Ada Example',
      customerPhone: '+491500000000',
      customerAddress: '1 Elm Street',
      workType: 'plumbing',
      description: 'Tap leaks, ring twice',
      location: { latitude: 52.5219, longitude: 13.4132 },
      estimatedPrice: 40,
      urgency: 'high',
      metadata: { doorNote: 'blue door', contact: { mail: 'ada@example.com' }, 52.5: 'vip', tags: ['vip'] },
    },
    { orderId: '64a7b2c8f9e4d1a2b3c4d5e6', customerServerId: '64a7b2c8f9e4d1a2b3c4d500' },
    new Date('2026-01-01T12:00:00.000Z'),
  );
  return {
    ...order,
    vendorId: sampleVendor().vendorId,
    vendorNotes: 'beware of the dog',
    status: 'cancelled',
    version: 3,
    cancelledAt: new Date('2026-01-01T13:00:00.000Z'),
    cancelledBy: 'customer',
    cancellationReason: 'Ada is ill',
  };
}

function expectNothingPersonal(value: unknown): void {
  const text = JSON.stringify(value);
  for (const secret of SECRETS) expect(text).not.toContain(secret);
}

describe('erasing a service order', () => {
  it('leaves nothing about the person', () => {
    expectNothingPersonal(erasePersonalData(serviceOrder()));
  });

  it('keeps what was done, when, by whom and for how much', () => {
    const order = serviceOrder();
    expect(erasePersonalData(order)).toEqual({
      ...order,
      pickup: { address: '[erased]', coordinates: [0, 0] },
      drop: { address: '[erased]', coordinates: [0, 0] },
      items: [{ title: 'plumbing: [erased]', qty: 1, price: 40 }],
      customerNotes: '[erased]',
      vendorNotes: '[erased]',
      cancellationReason: '[erased]',
      metadata: {
        orderType: 'service',
        workType: 'plumbing',
        customerName: '[erased]',
        customerPhone: '[erased]',
        urgency: 'high',
      },
    });
  });

  it('twice is the same as once', () => {
    const once = erasePersonalData(serviceOrder());
    expect(erasePersonalData(once)).toEqual(once);
  });
});

describe('erasing a full order', () => {
  const order = sampleOrder({
    items: [{ title: 'Parcel, size M', qty: 2, price: 10.5 }],
    customerNotes: null,
    metadata: { workType: 'delivery', urgency: { vip: true }, customerName: 'Ada', room: 'blue door' },
  });

  it('keeps its items, and says nothing where nothing was said', () => {
    const erased = erasePersonalData(order);
    expect(erased.items).toEqual(order.items);
    expect([erased.customerNotes, erased.vendorNotes, erased.cancellationReason]).toEqual([null, null, null]);
  });

  it('keeps of its metadata only what is a text under a name of ours', () => {
    expect(erasePersonalData(order).metadata).toEqual({ workType: 'delivery', customerName: '[erased]' });
  });
});

describe('erasing a frozen body', () => {
  const body = JSON.stringify(buildWebhookBody(serviceOrder(), 'accepted', sampleVendor()));

  it('gives the body that the erased order would have had', () => {
    const expected = buildWebhookBody(erasePersonalData(serviceOrder()), 'accepted', sampleVendor());
    expect(erasePersonalDataFromBody(body)).toBe(JSON.stringify(expected));
  });

  it('keeps the vendor, and every key where it was', () => {
    const before = JSON.parse(body) as WebhookBody;
    const after = JSON.parse(erasePersonalDataFromBody(body)) as WebhookBody;
    expect(after.vendorDetails).toEqual(sampleVendor());
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(Object.keys(after.orderData)).toEqual(Object.keys(before.orderData));
  });

  it('twice is the same as once', () => {
    const once = erasePersonalDataFromBody(body);
    expect(erasePersonalDataFromBody(once)).toBe(once);
  });
});

describe('a reason', () => {
  it.each([
    [null, null],
    ['Ada is ill', '[erased]'],
    ['no_vendor', 'no_vendor'],
  ])('%j becomes %j', (reason, erased) => {
    expect(eraseReason(reason)).toBe(erased);
  });
});
