/** The log of the real processes: what one request leaves in it, and where it is written. (What never gets into it: secret-leaks.) */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { addCustomerServer } from './system/add-customer-server.ts';
import { waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { createOrder, SERVICE_ORDER } from './system/walk-order.ts';

let receiver: Receiver;
let system: System;
let api: ListeningProcess;
let worker: ListeningProcess;
let directory: string;
const logFile = (name: string) => path.join(directory, name);

const random = () => randomBytes(12).toString('hex');

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vendor-server-e2e-log-'));
  receiver = await createReceiver();
  system = await createSystem({
    redisUrl: testRedisUrl(),
  });
  [api, worker] = await Promise.all([
    system.startApi({ LOG_FILE: logFile('api.log') }),
    system.startWorker({ LOG_FILE: logFile('worker.log') }),
  ]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
  rmSync(directory, { recursive: true });
});

test('follows a request from its line to the lines of its deliveries', async () => {
  const customerServer = await addCustomerServer(system, receiver.url('/followed'));
  const requestId = `request-${random()}`;
  const { body } = await customerServer.call<{ orderId: string }>('POST', '/api/external/orders', {
    body: SERVICE_ORDER,
    headers: { 'x-request-id': requestId },
  });
  const { orderId } = body.data;
  expect(await api.log.waitFor('Request handled', { requestId })).toMatchObject({
    method: 'POST',
    route: '/api/external/orders',
    status: 201,
    durationMs: expect.any(Number),
    customerServerId: customerServer.customerServerId,
  });
  expect(await worker.log.waitFor('Customer webhook sent successfully', { orderId })).toMatchObject({
    requestId,
    deliveryId: expect.stringMatching(/^[0-9a-f]{24}$/),
    status: 'pending',
    previousStatus: null,
    attempt: 1,
    durationMs: expect.any(Number),
    responseStatus: 200,
  });
});

test.each([
  ['api.log', () => api],
  ['worker.log', () => worker],
])('%s goes on in a new file after SIGHUP', async (name, get) => {
  const customerServer = await addCustomerServer(system, receiver.url('/rotated-log'));
  const file = logFile(name);
  renameSync(file, `${file}.1`);
  get().signal('SIGHUP');
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe(''), { timeout: 10_000 });
  const orderId = await createOrder(customerServer);
  await waitUntilEnded(system.database, orderId, 1);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('"level":"info"'), { timeout: 10_000 });
  expect(readFileSync(`${file}.1`, 'utf8')).not.toContain(orderId);
  expect(get().end).toBeNull();
});
