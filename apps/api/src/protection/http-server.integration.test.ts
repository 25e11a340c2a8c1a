import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;
let port: number;

beforeAll(async () => {
  api = await createTestApi();
  port = Number(new URL(await api.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => api.close());

/** Sends bytes as they are and reads the answer until the server closes the connection. */
async function sendRaw(text: string): Promise<{ status: number; head: string; body: unknown }> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  const json = body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1);
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body: JSON.parse(json) };
}

function failure(code: string) {
  return { ok: false, error: expect.any(String), code, requestId: expect.any(String) };
}

const HOST = 'host: test\r\nconnection: close\r\n';
const manyHeaders = (count: number) =>
  Array.from({ length: count }, (_, index) => `x-${index}: 1\r\n`).join('');

describe('what Node would answer by itself has the failure shape', () => {
  test.each([
    ['no host', 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'invalid_request'],
    ['an unknown expectation', `GET /livez HTTP/1.1\r\n${HOST}expect: x\r\n\r\n`, 417, 'expectation_failed'],
    ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 400, 'invalid_request'],
    ['101 headers', `GET /livez HTTP/1.1\r\n${HOST}${manyHeaders(99)}\r\n`, 431, 'headers_too_large'],
    ['1 000 headers', `GET /livez HTTP/1.1\r\n${HOST}${manyHeaders(998)}\r\n`, 431, 'headers_too_large'],
    ['two hosts', `GET /livez HTTP/1.1\r\n${HOST}host: other\r\n\r\n`, 400, 'validation_failed'],
  ])('%s', async (_name, text, status, code) => {
    const answer = await sendRaw(text);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject(failure(code));
    expect(answer.head).toContain('x-request-id: ');
  });

  test.each([
    ['100 headers', `GET /livez HTTP/1.1\r\n${HOST}${manyHeaders(98)}\r\n`],
    ['HTTP/1.0 without a host', 'GET /livez HTTP/1.0\r\n\r\n'],
  ])('%s is fine', async (_name, text) => {
    expect(await sendRaw(text)).toMatchObject({ status: 200, body: { status: 'up' } });
  });
});

describe.concurrent('a connection ends when', () => {
  test('its headers drip in', async ({ expect: expectHere }) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
    });
    const ended = once(socket, 'close');
    const startedAt = performance.now();
    socket.write('GET /livez HTTP/1.1\r\nhost: test\r\n');
    const dripping = (async () => {
      for (let line = 0; socket.writable; line += 1) {
        socket.write(`x-${line}: 1\r\n`);
        await delay(250);
      }
    })();
    await Promise.all([ended, dripping]);
    expectHere(received).toMatch(/^HTTP\/1\.1 408 /);
    expectHere(received).toContain('"code":"request_timeout"');
    expectHere(performance.now() - startedAt).toBeGreaterThan(9_000);
  });

  test('nothing is sent on it', async ({ expect: expectHere }) => {
    const socket = connect(port, '127.0.0.1');
    socket.resume();
    await once(socket, 'connect');
    await once(socket, 'close');
    expectHere(socket.bytesWritten).toBe(0);
  });
});
