import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildApp } from '../app.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;
let secret: string;
let app: ReturnType<typeof buildApp>;
let port: number;
let requestCount: number;

beforeAll(async () => {
  api = await createTestApi();
  secret = (await api.addCustomerServer()).secret;
});
afterAll(() => api.close());
beforeEach(async () => {
  app = buildApp(api.deps);
  requestCount = 0;
  app.addHook('onRequest', async () => {
    requestCount += 1;
  });
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
  return () => app.close();
});

/** An open connection and everything it has been sent. */
async function open(): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  await once(socket, 'connect');
  return { socket, received: () => text };
}

test('a request under way is answered, and then its connection ends', async () => {
  const { socket, received } = await open();
  const body = JSON.stringify(buildServiceOrder());
  const head = ['POST /api/external/orders HTTP/1.1', 'host: x', 'content-type: application/json'];
  head.push(`x-customer-secret: ${secret}`, `content-length: ${body.length}`, '', '');
  socket.write(head.join('\r\n') + body.slice(0, 10));
  await expect.poll(() => requestCount).toBe(1);

  const ended = once(socket, 'close');
  const closed = app.close();
  await expect.poll(() => app.server.listening).toBe(false);
  socket.write(body.slice(10));
  await ended;
  await closed;
  expect(received()).toMatch(/^HTTP\/1\.1 201 /);
  expect(received()).toMatch(/connection: close/i);
});

test('idle connections do not hold the close', async () => {
  const { socket, received } = await open();
  socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(received).toMatch(/^HTTP\/1\.1 200 /);
  expect(received()).not.toMatch(/connection: close/i);
  const ended = once(socket, 'close');
  await app.close();
  await ended;
});

test('who has just connected is waited for, and may still ask', async () => {
  const { socket, received } = await open();
  const closed = app.takeConnected().then(() => app.close());
  // As a balancer in a loaded moment: long after the process was told to stop, and long before it gives up waiting.
  await sleep(400);
  socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  await closed;
  expect(received()).toMatch(/^HTTP\/1\.1 200 /);
});

test('who connects and asks nothing is waited for a second', async () => {
  const { socket } = await open();
  const ended = once(socket, 'close');
  const begunAt = performance.now();
  await app.takeConnected();
  expect(performance.now() - begunAt).toBeGreaterThan(950);
  await app.close();
  await ended;
});
