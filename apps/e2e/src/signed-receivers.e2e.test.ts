/** The receivers that `/docs` shows take really sent webhooks, and nothing that only looks like one. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { signWebhook } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import { findFreePort } from '@vendor-server/platform/network/find-free-ports.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addCustomerServer } from './system/add-customer-server.ts';
import { addVendor } from './system/add-vendor.ts';
import { waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { startProcess } from './system/start-process.ts';
import { createOrder, WALKED_STATUSES, walkOrder } from './system/walk-order.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const fileOf = (name: string) => fileURLToPath(new URL(`./guide/${name}`, import.meta.url));
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let system: System;
beforeAll(async () => {
  system = await createSystem({ redisUrl: null });
  await Promise.all([system.startApi(), system.startWorker()]);
});
afterAll(() => system.stop());

async function expectGenuineTaken(defer: (end: () => Promise<void>) => void, command: string, name: string) {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}/order-updates`;
  const customerServer = await addCustomerServer(system, url);
  const { signingSecret } = customerServer;
  const receiver = startProcess({
    name,
    command,
    args: [fileOf(name)],
    env: { PORT: String(port), SIGNING_SECRET: signingSecret, NO_COLOR: '1' },
  });
  defer(() => receiver.kill());
  await vi.waitFor(() => expect(receiver.log.text).toContain('Listening'), 20_000);
  const lines = () => receiver.log.text.split('\n').slice(1, -1);

  await customerServer.call('POST', '/api/external/webhook-test', { body: {} }).then(({ status }) => {
    expect(status).toBe(200);
  });

  const orderId = await createOrder(customerServer);
  await walkOrder({ customerServer, vendor: await addVendor(system) }, orderId);
  const deliveries = await waitUntilEnded(system.database, orderId, WALKED_STATUSES.length);
  expect(deliveries.map(({ state, attemptCount }) => `${state} ${attemptCount}`)).toEqual(
    WALKED_STATUSES.map(() => 'delivered 1'),
  );
  const handled = WALKED_STATUSES.map(
    (status, index) => `${orderId} ${index + 1}: ${WALKED_STATUSES[index - 1] ?? 'new'} -> ${status}`,
  );
  await vi.waitFor(() => expect(lines()).toEqual(handled));

  // What else may come, made of what was really sent.
  const transitions = await system.database.prisma.orderTransition.findMany({
    where: { orderId },
    orderBy: { version: 'asc' },
  });
  const bodies = transitions.map(({ body }) => body);
  const now = () => Math.floor(Date.now() / 1000);

  interface Sent {
    readonly id: string;
    readonly body: string;
    readonly timestamp?: number;
    readonly secrets?: readonly string[];
    /** Default: of the rest. */
    readonly signature?: string;
  }
  async function send({ id, body, timestamp = now(), secrets = [signingSecret], signature }: Sent) {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signature ?? signWebhook(secrets, id, timestamp, body),
      },
    });
    return answer.status;
  }

  const [first = '', , , , , last = ''] = bodies;
  const next = JSON.stringify({ ...(JSON.parse(last) as object), version: 7, previousStatus: 'completed' });
  const unsigned = signWebhook([signingSecret], 'other', now(), next);

  // A duplicate, and older news under an id of its own: taken, and not handled.
  expect(await send({ id: deliveries[5]!.id, body: last })).toBe(200);
  expect(await send({ id: 'older', body: first })).toBe(200);
  // Not genuine: another's secret, another's signature, changed bytes, no signature at all, none that is one.
  expect(await send({ id: 'wrong', body: next, secrets: [OTHER_SECRET] })).toBe(401);
  expect(await send({ id: 'wrong', body: next, signature: unsigned })).toBe(401);
  const signature = signWebhook([signingSecret], 'wrong', now(), last);
  expect(await send({ id: 'wrong', body: next, signature })).toBe(401);
  expect(await send({ id: 'wrong', body: next, signature: '' })).toBe(401);
  expect(await send({ id: 'wrong', body: next, signature: 'v1,v1, v1,AAAA é v2,AAAA' })).toBe(401);
  // A recording, and one from a clock that is wrong.
  expect(await send({ id: 'late', body: next, timestamp: now() - 301 })).toBe(400);
  expect(await send({ id: 'early', body: next, timestamp: now() + 310 })).toBe(400);
  // Nothing of that stands in the way of what is right, also while the secret is rotated.
  expect(
    await send({ id: 'next', body: next, timestamp: now() - 280, secrets: [OTHER_SECRET, signingSecret] }),
  ).toBe(200);
  await vi.waitFor(() => expect(lines()).toEqual([...handled, `${orderId} 7: completed -> completed`]));
}

describe.concurrent('a receiver built from /docs', () => {
  test.for(['signed-express-receiver.js', 'signed-fastify-receiver.js'])(
    '%s takes what is genuine, once and in order',
    (name, { onTestFinished }) => expectGenuineTaken(onTestFinished, process.execPath, name),
  );

  test.skipIf(!hasPython)(
    `signed-receiver.py takes what is genuine, once and in order${hasPython ? '' : ' (skipped: no python3 on the PATH)'}`,
    ({ onTestFinished }) => expectGenuineTaken(onTestFinished, 'python3', 'signed-receiver.py'),
  );
});
