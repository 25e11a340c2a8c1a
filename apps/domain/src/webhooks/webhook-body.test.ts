import { expect, it } from 'vitest';
import { sampleOrder, sampleVendor } from '../testing/sample-order.ts';
import { buildOrderResource, buildWebhookBody } from './webhook-body.ts';

/** The payload of the integration guide, byte for byte but for its white space. */
const GUIDE_PAYLOAD =
  '{"orderId":"64a7b2c8f9e4d1a2b3c4d5e6","customerId":"customer-123","status":"accepted",' +
  '"previousStatus":"pending","updatedAt":"2023-12-04T10:30:00.000Z","orderData":{"fare":250,' +
  '"paymentMethod":"cod","paymentStatus":"pending","pickup":{"address":"123 Main Street, City",' +
  '"coordinates":[77.1025,28.7041]},"drop":{"address":"456 Oak Avenue, City",' +
  '"coordinates":[77.1125,28.7141]},"items":[{"title":"Electronics Repair: Fix smartphone screen",' +
  '"qty":1,"price":250}],"customerNotes":"Handle with care","vendorNotes":"Parts will be ordered",' +
  '"scheduledAt":null,"assignedAt":"2023-12-04T10:25:00.000Z","acceptedAt":"2023-12-04T10:30:00.000Z",' +
  '"completedAt":null,"cancelledAt":null,"cancellationReason":null,"cancelledBy":null,' +
  '"createdAt":"2023-12-04T10:20:00.000Z","metadata":{"orderType":"service",' +
  '"workType":"electronics_repair","customerName":"John Doe","customerPhone":"+919876543210",' +
  '"urgency":"normal"}},"vendorDetails":{"vendorId":"64a7b2c8f9e4d1a2b3c4d5e7",' +
  '"vendorName":"Tech Repair Services","mobile":"+918765432109",' +
  '"businessAddress":"789 Service Lane, City",' +
  '"selectedServices":["electronics_repair","appliance_repair"]}}';

const accepted = sampleOrder({
  status: 'accepted',
  version: 3,
  vendorId: sampleVendor().vendorId,
  vendorNotes: 'Parts will be ordered',
  assignedAt: new Date('2023-12-04T10:25:00.000Z'),
  acceptedAt: new Date('2023-12-04T10:30:00.000Z'),
  updatedAt: new Date('2023-12-04T10:30:00.000Z'),
});

it("is the guide's payload with the additions at the end", () => {
  const expected = GUIDE_PAYLOAD.replace(
    '"urgency":"normal"}}',
    '"urgency":"normal"},"customerId":"customer-123"}',
  ).replace(/\}$/, ',"version":3}');
  expect(JSON.stringify(buildWebhookBody(accepted, 'pending', sampleVendor()))).toBe(expected);
});

it('says null where there is nothing, and shows every time in milliseconds and Z', () => {
  const at = new Date('2023-12-04T12:00:00Z');
  const cancelled = sampleOrder({
    status: 'cancelled',
    scheduledAt: at,
    completedAt: at,
    cancelledAt: at,
    cancelledBy: 'customer',
    cancellationReason: 'changed my mind',
  });
  const body = buildWebhookBody(cancelled, null, null);
  expect(body).toMatchObject({ previousStatus: null, vendorDetails: null });
  expect(body.orderData).toMatchObject({
    scheduledAt: '2023-12-04T12:00:00.000Z',
    completedAt: '2023-12-04T12:00:00.000Z',
    cancelledAt: '2023-12-04T12:00:00.000Z',
    assignedAt: null,
    acceptedAt: null,
    cancelledBy: 'customer',
    cancellationReason: 'changed my mind',
  });
});

it('as a resource lacks previousStatus only', () => {
  const { previousStatus, ...rest } = buildWebhookBody(accepted, 'pending', sampleVendor());
  expect(previousStatus).toBe('pending');
  expect(JSON.stringify(buildOrderResource(accepted, sampleVendor()))).toBe(JSON.stringify(rest));
});

it('shows no vendor that is not the order’s', () => {
  expect(buildWebhookBody(sampleOrder(), 'assigned', sampleVendor()).vendorDetails).toBeNull();
  const another = sampleVendor({ vendorId: '64a7b2c8f9e4d1a2b3c4d5e8' });
  expect(() => buildWebhookBody(accepted, 'pending', another)).toThrow(/names vendor/);
  expect(() => buildWebhookBody(accepted, 'pending', null)).toThrow(/names vendor/);
});

it('shows of a vendor only what receivers are promised', () => {
  const row = { ...sampleVendor(), apiKeyHash: 'not for receivers' };
  expect(buildWebhookBody(accepted, 'pending', row).vendorDetails).toEqual(sampleVendor());
});
