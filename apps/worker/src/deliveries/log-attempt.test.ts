import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import { logExchange } from './log-attempt.ts';

test('DEBUG_WEBHOOKS logs an exchange without its secrets', () => {
  const lines: Record<string, unknown>[] = [];
  const logger = createLoggerTo(
    { write: (line) => void lines.push(JSON.parse(line)) },
    { name: 'test', level: 'info' },
  );
  const ids = { orderId: '0190aaaaaaaabbbbbbbb0003', deliveryId: '0190aaaaaaaabbbbbbbb0002' };
  logExchange(
    logger,
    { ...ids, attemptNumber: 2 },
    {
      url: 'https://customer.example.com/updates?token=test-token',
      headers: {
        'x-vendor-server-secret': 'test-customer-secret-1',
        'webhook-signature': 'v1,test-signature',
      },
      body: '{"status":"assigned"}',
    },
    { ...answered(401), responseExcerpt: 'test-customer-secret-1 is wrong' },
  );
  expect(lines).toEqual([
    expect.objectContaining({
      ...ids,
      msg: 'webhook request',
      attempt: 2,
      url: 'https://customer.example.com/…',
      headers: { 'x-vendor-server-secret': '[redacted]', 'webhook-signature': '[redacted]' },
      body: '{"status":"assigned"}',
    }),
    expect.objectContaining({
      ...ids,
      msg: 'webhook response',
      attempt: 2,
      outcome: 'rejected',
      responseStatus: 401,
      responseExcerpt: '[redacted] is wrong',
    }),
  ]);
});
