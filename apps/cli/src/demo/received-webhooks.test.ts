import { describe, expect, test } from 'vitest';
import type { ReceivedWebhook } from './received-webhooks.ts';
import { findFaults, toReceivedWebhook } from './received-webhooks.ts';

const ORDER_ID = '0190aaaaaaaabbbbbbbbcccc';
const EXPECTED = [
  { status: 'pending', answers: [200] },
  { status: 'accepted', answers: [503, 200] },
];
const pending: ReceivedWebhook = {
  orderId: ORDER_ID,
  status: 'pending',
  previousStatus: null,
  version: 1,
  deliveryId: 'delivery-1',
  attempt: 1,
  answeredWith: 200,
};
const accepted1 = {
  ...pending,
  status: 'accepted',
  previousStatus: 'pending',
  version: 2,
  deliveryId: 'delivery-2',
  answeredWith: 503,
};
const accepted2 = { ...accepted1, attempt: 2, answeredWith: 200 };

describe('findFaults', () => {
  test('none when all arrived in order', () => {
    expect(findFaults([pending, accepted1, accepted2], ORDER_ID, EXPECTED)).toEqual([]);
  });

  test.each<[string, ReceivedWebhook[]]>([
    ['one missing', [pending, accepted1]],
    ['all missing', []],
    ['one too many', [pending, accepted1, accepted2, accepted2]],
    ['wrong order', [accepted1, accepted2, pending]],
    ['another previous status', [pending, { ...accepted1, previousStatus: null }, accepted2]],
    ['another version', [pending, accepted1, { ...accepted2, version: 3 }]],
    ['attempts not counted', [pending, accepted1, { ...accepted2, attempt: 1 }]],
    ['another order', [{ ...pending, orderId: '0190aaaaaaaabbbbbbbbcccd' }, accepted1, accepted2]],
    ['refused', [{ ...pending, answeredWith: 401 }, accepted1, accepted2]],
    ['a new id for the retry', [pending, accepted1, { ...accepted2, deliveryId: 'delivery-3' }]],
  ])('%s', (_what, received) => {
    expect(findFaults(received, ORDER_ID, EXPECTED)).not.toEqual([]);
  });
});

test('toReceivedWebhook reads headers and body', () => {
  const body = { orderId: ORDER_ID, status: 'pending', previousStatus: null, version: 1, orderData: {} };
  const headers = { 'webhook-id': 'delivery-1', 'x-webhook-attempt': '1' };
  expect(toReceivedWebhook(headers, body, 200)).toEqual(pending);
});
