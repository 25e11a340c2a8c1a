import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from './testing/create-test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

test('a body that breaks off with its connection is a fault of the caller and leaves nothing behind', async () => {
  const { secret } = await api.addCustomerServer();
  let isReadingBody = false;
  api.app.addHook('preParsing', async () => {
    isReadingBody = true;
  });
  const { port } = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST /api/external/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-customer-secret: ${secret}\r\ncontent-length: 500\r\n\r\n{"customerId":`,
  );
  await expect.poll(() => isReadingBody).toBe(true);
  socket.destroy();

  const lines = () => api.logLines.map((line): Record<string, unknown> => JSON.parse(line));
  await expect
    .poll(() => lines().at(-1))
    .toMatchObject({ msg: 'Request aborted by its caller', code: 'invalid_request' });
  expect(lines().filter(({ level }) => level === 'error')).toEqual([]);
  expect(await api.database.prisma.order.count()).toBe(0);
});
