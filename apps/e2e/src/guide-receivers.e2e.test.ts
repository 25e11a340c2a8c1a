/** The receivers of the integration guide, set up as it says, take every webhook of an order unchanged. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { addVendor } from './system/add-vendor.ts';
import { createCaller } from './system/create-caller.ts';
import { waitUntilEnded } from './system/create-inbox.ts';
import { createSystem } from './system/create-system.ts';
import { type RunningProcess, startProcess } from './system/start-process.ts';
import { createOrder, WALKED_STATUSES, walkOrder } from './system/walk-order.ts';

const SECRET = 'test-customer-secret-1';
const EXPRESS = fileURLToPath(new URL('./guide/express-receiver.ts', import.meta.url));
const DJANGO = fileURLToPath(new URL('./guide/django-receiver.py', import.meta.url));

const hasPython = spawnSync('python3', ['--version']).status === 0;
const whyNot = hasPython ? '' : ' (skipped: no python3 on the PATH)';

type Defer = (end: () => Promise<void>) => void;

/** Starts the receiver, the system that is configured for it, and walks one order. */
async function expectAllTaken(defer: Defer, command: string, file: string): Promise<void> {
  const receiver = startProcess({
    name: 'receiver',
    command,
    args: [file],
    env: { CUSTOMER_SERVER_SECRET: SECRET, PYTHONIOENCODING: 'utf-8', NO_COLOR: '1' },
  });
  defer(() => receiver.kill());
  const system = await createSystem({
    redisUrl: null,
    env: {
      // As it will be run, but for an address that the guide's reader does not use.
      NODE_ENV: 'production',
      WEBHOOK_ALLOW_HTTP: 'true',
      WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
      CUSTOMER_SERVER_SECRET: SECRET,
      CUSTOMER_WEBHOOK_URL: `http://127.0.0.1:${await readPort(receiver)}/api/vendor/order-updates`,
    },
  });
  defer(() => system.stop());
  await Promise.all([system.startApi(), system.startWorker()]);

  // The guide's own name of the header.
  const customerServer = createCaller(system.apiUrl, { 'x-vendor-server-secret': SECRET });
  const orderId = await createOrder(customerServer);
  await walkOrder({ customerServer, vendor: await addVendor(system) }, orderId);
  const deliveries = await waitUntilEnded(system.database, orderId, WALKED_STATUSES.length);

  expect(deliveries.map(({ state, attemptCount }) => `${state} ${attemptCount}`)).toEqual(
    WALKED_STATUSES.map(() => 'delivered 1'),
  );
  const lines = receiver.log.text
    .replaceAll(/None|null/g, 'nothing')
    .split('\n')
    .slice(1, -1);
  expect(lines).toEqual(
    WALKED_STATUSES.flatMap((status, index) => [
      `Order ${orderId} status changed: ${WALKED_STATUSES[index - 1] ?? 'nothing'} → ${status}`,
      `Updating order ${orderId} with status ${status}`,
      `Notifying customer customer-123 about order ${orderId}: ${status}`,
    ]),
  );
}

function readPort({ log }: RunningProcess): Promise<string> {
  return vi.waitFor(
    () => {
      const port = /^Listening on port (\d+)$/m.exec(log.text)?.[1];
      if (port === undefined) throw new Error(`the receiver says no port: ${log.text}`);
      return port;
    },
    { timeout: 20_000 },
  );
}

describe.concurrent('a customer server built from the guide', () => {
  test('with Express takes every webhook of an order', ({ onTestFinished }) =>
    expectAllTaken(onTestFinished, process.execPath, EXPRESS));

  test.skipIf(!hasPython)(`with Django takes every webhook of an order${whyNot}`, ({ onTestFinished }) =>
    expectAllTaken(onTestFinished, 'python3', DJANGO),
  );
});
