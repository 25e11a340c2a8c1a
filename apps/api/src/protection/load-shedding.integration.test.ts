import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;
let headers: Record<string, string>;
beforeAll(async () => {
  api = await createTestApi();
  headers = (await api.addCustomerServer()).headers;
});
afterAll(() => api.close());

const ask = (url: string) => api.app.inject({ url, headers });

/** Lets nothing else run for as long. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Blocks again and again, with a turn of the loop between, until stopped. */
function saturate(turnMs: number): () => Promise<void> {
  const running = new AbortController();
  const ended = (async () => {
    while (!running.signal.aborted) {
      block(turnMs);
      await nextTurn();
    }
  })();
  const stop = async () => {
    running.abort();
    await ended;
  };
  onTestFinished(stop);
  return stop;
}

test('a saturated event loop sheds requests, answers those who look after it, and recovers', async () => {
  expect((await ask('/api/external/me')).statusCode).toBe(200);
  const stop = saturate(700);
  await vi.waitFor(async () => expect((await ask('/api/external/me')).statusCode).toBe(503), {
    timeout: 15_000,
    interval: 1,
  });
  const shed = await ask('/api/external/me');
  expect(shed.json()).toEqual({
    ok: false,
    error: expect.any(String),
    code: 'overloaded',
    requestId: expect.any(String),
  });
  expect(shed.headers['retry-after']).toBe('2');
  expect((await ask('/livez')).statusCode).toBe(200);
  expect((await ask('/readyz')).statusCode).toBe(200);
  await stop();
  await vi.waitFor(async () => expect((await ask('/api/external/me')).statusCode).toBe(200), {
    timeout: 10_000,
    interval: 50,
  });
  const messages = api.logLines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(messages.filter((message) => message.startsWith('The event loop is'))).toHaveLength(2);
  // Shed requests are in the log by their own line; an error for each would only add to the load.
  expect(api.logLines.filter((line) => line.includes('Request failed'))).toEqual([]);
});

test.each([600, 2_500])('one stall of %i ms sheds nothing', async (stallMs) => {
  await delay(200);
  block(stallMs);
  for (let time = 0; time < 15; time += 1) {
    expect((await ask('/api/external/me')).statusCode).toBe(200);
    await delay(100);
  }
});
