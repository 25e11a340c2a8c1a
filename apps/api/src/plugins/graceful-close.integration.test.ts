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
  await expect.poll(received).toMatch(/^HTTP\/1\.1 200 /);
});

test('nobody else is waited for', async () => {
  const old = await open();
  await sleep(1_100);
  // Who has just connected to another app, and asks nothing, is waited for longer.
  const other = buildApp(api.deps);
  const otherPort = Number(new URL(await other.listen({ host: '127.0.0.1', port: 0 })).port);
  const fresh = connect(otherPort, '127.0.0.1');
  await once(fresh, 'connect');
  const used = await open();
  used.socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(used.received).toMatch(/^HTTP\/1\.1 200 /);
  const order: string[] = [];
  await Promise.all([
    other.takeConnected().then(() => order.push('a fresh connection')),
    app.takeConnected().then(() => order.push('an old and a used one')),
  ]);
  expect(order).toEqual(['an old and a used one', 'a fresh connection']);
  await Promise.all([
    app.close(),
    other.close(),
    ...[old.socket, used.socket, fresh].map((s) => once(s, 'close')),
  ]);
});

test('an answer of a process that ends is the last of its connection', async () => {
  const { socket, received } = await open();
  const taken = app.takeConnected();
  const ended = once(socket, 'close');
  socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  await ended;
  expect(received()).toMatch(/connection: close/i);
  await taken;
  expect(app.server.listening).toBe(true);
});
