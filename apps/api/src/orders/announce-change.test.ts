import { sampleOrder } from '@vendor-server/domain/testing/sample-order.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { expect, test, vi } from 'vitest';
import { createOfferEvents } from '../offers/offer-events.ts';
import { announceChange } from './announce-change.ts';
import type { RecordedDelivery } from './order-change-sql.ts';

const WAITING: RecordedDelivery = {
  deliveryId: '0190aaaaaaaabbbbbbbb0001',
  endpointId: '0190aaaaaaaabbbbbbbb0002',
  state: 'waiting',
  generation: 0,
  url: 'https://customer.example.com/updates',
};

test('a delivery that waits for CUSTOMER_WEBHOOK_URL is logged and still looked after', async () => {
  const dispatch = vi.fn(async () => {});
  const lines: string[] = [];
  const countTransition = vi.fn();
  const deps = {
    dispatcher: { dispatch, add: vi.fn(), drain: vi.fn() },
    logger: createLoggerTo({ write: (line) => void lines.push(line) }, { name: 'test', level: 'info' }),
    offerEvents: createOfferEvents(),
    metrics: { countTransition, countRequest: vi.fn(), countFinished: vi.fn() },
  };
  const order = sampleOrder();
  await announceChange(
    deps,
    order,
    null,
    { deliveries: [WAITING], hasEndpoint: false, superseded: 0 },
    'request-1',
  );
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'Customer webhook URL not configured', orderId: order.orderId, requestId: 'request-1' },
  ]);
  expect(dispatch).toHaveBeenCalledExactlyOnceWith({
    jobs: [],
    lanes: [{ endpointId: WAITING.endpointId, orderId: order.orderId }],
  });

  expect(countTransition.mock.calls).toEqual([[order.status]]);

  await announceChange(
    deps,
    order,
    null,
    { deliveries: [WAITING], hasEndpoint: true, superseded: 0 },
    'request-2',
  );
  expect(lines).toHaveLength(1);
});
