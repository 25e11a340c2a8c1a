import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createReceiver, type Receiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { hang, respond } from '@vendor-server/e2e/receiver/steps.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BODY_TIME_MS, Exchange } from './exchange.ts';
import { SenderClosedError } from './sender-closed-error.ts';
import { namesForTest, requestTo, senderForTest } from './testing/sender-for-test.ts';

let receiver: Receiver;

beforeEach(async () => {
  receiver = await createReceiver();
});

afterEach(() => receiver.close());

const notConnected = { outcome: 'timed_out', responseStatus: null, reason: 'not_connected' };
const notSent = { outcome: 'timed_out', responseStatus: null, error: expect.stringMatching(/^not_sent: /) };

/** A clock that can leap ahead as the monotonic clock does for a process that was stopped for a while. */
function clockForTest() {
  let stoppedMs = 0;
  return {
    now: () => performance.now() + stoppedMs,
    stopFor(ms: number) {
      stoppedMs += ms;
    },
  };
}

describe('a process that was stopped past the deadline writes nothing', () => {
  it('before it began', async () => {
    const sender = senderForTest();
    expect(await sender.send(requestTo(receiver.url('/'), -1))).toMatchObject(notSent);
    expect(receiver.connections).toBe(0);
  });

  it('between DNS and the written request, though the connection is there', async () => {
    const clock = clockForTest();
    const names = namesForTest({ 'hook.test': [['127.0.0.1']] });
    const sender = senderForTest({
      now: clock.now,
      resolveName: async (name) => {
        clock.stopFor(20_000);
        return names.resolveName(name);
      },
    });
    const result = await sender.send(requestTo(`http://hook.test:${receiver.port}/`, 10_000));
    expect(result).toMatchObject({ ...notSent, durationMs: expect.any(Number) });
    expect(result.durationMs).toBeGreaterThanOrEqual(20_000);
    await expect.poll(() => receiver.openConnections).toBe(0);
    expect(receiver).toMatchObject({ connections: 1, bytesReceived: 0 });
  });

  it('on a connection that was kept', async () => {
    const clock = clockForTest();
    const sender = senderForTest({ now: clock.now, maxConnectionsPerOrigin: 1 });
    expect(await sender.send(requestTo(receiver.url('/')))).toMatchObject({ outcome: 'acknowledged' });
    const { bytesReceived } = receiver;

    const sending = sender.send(requestTo(receiver.url('/'), 10_000));
    clock.stopFor(20_000);
    expect(await sending).toMatchObject(notSent);
    await expect.poll(() => receiver.openConnections).toBe(0);
    expect(receiver.bytesReceived).toBe(bytesReceived);
  });

  it('but an answer that was there before the clock was looked at counts', async () => {
    const clock = clockForTest();
    receiver.answer(
      () => true,
      (answering) => {
        clock.stopFor(20_000);
        return respond(200)(answering);
      },
    );
    const result = await senderForTest({ now: clock.now }).send(requestTo(receiver.url('/'), 10_000));
    expect(result).toMatchObject({ outcome: 'acknowledged' });
  });

  it('and one that came before the deadline counts, although nobody could read it before', async () => {
    const request = requestTo(receiver.url('/'), 1_000);
    receiver.answer(
      () => true,
      (answering) => {
        answering.takeSocket().write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        // Whoever goes on then finds its timer and the answer at once.
        while (performance.now() < request.deadline + 20);
      },
    );
    expect(await senderForTest().send(request)).toMatchObject({ outcome: 'acknowledged' });
  });
});

describe('the rest of an answer', () => {
  afterEach(() => vi.useRealTimers());

  it('is not waited for longer because the headers were read late', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let now = 0;
    const isNeverItsTurn = () => new Promise<void>(() => undefined);
    const exchange = new Exchange(1_000, () => now, isNeverItsTurn);
    const settled = vi.fn();
    void exchange.result.then(settled);
    exchange.begin();
    now = 2_500;
    exchange.onResponseStart({ abort: () => undefined } as never, 200, {});
    await vi.advanceTimersByTimeAsync(1_000 + BODY_TIME_MS - now - 1);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledWith(expect.objectContaining({ outcome: 'acknowledged' }));
  });
});

describe('a request that waits for a connection', () => {
  it('of an origin that has no more to give is not sent after its deadline', async () => {
    receiver.answer('/slow', respond(200, { delayMs: 250 }));
    const sender = senderForTest({ maxConnectionsPerOrigin: 1 });
    const slow = sender.send(requestTo(receiver.url('/slow')));
    const late = sender.send(requestTo(receiver.url('/late'), 50));
    const patient = sender.send(requestTo(receiver.url('/patient')));

    expect(await late).toMatchObject(notSent);
    expect(await Promise.all([slow, patient])).toMatchObject([
      { outcome: 'acknowledged' },
      { outcome: 'acknowledged' },
    ]);
    expect(receiver.requests.map((each) => each.path)).toEqual(['/slow', '/patient']);
  });

  it('is not held up by the time-out of the one before it', async () => {
    receiver.answer('/silent', hang());
    const sender = senderForTest({ maxConnectionsPerOrigin: 1 });
    // Long enough to connect and write on a machine that is busy: only the answer is to be missing.
    const silent = sender.send(requestTo(receiver.url('/silent'), 1_000));
    const next = sender.send(requestTo(receiver.url('/next')));
    expect(await silent).toMatchObject({
      outcome: 'timed_out',
      error: expect.stringMatching(/^no_answer: /),
    });
    expect(await next).toMatchObject({ outcome: 'acknowledged' });
  });
});

describe('a request that waits behind an attempt to connect', () => {
  it('does not fail with it', async () => {
    let asked = 0;
    const sender = senderForTest({
      maxConnectionsPerOrigin: 1,
      resolveName: async () => {
        asked += 1;
        return asked === 1 ? new Promise(() => {}) : ['127.0.0.1'];
      },
    });
    const url = `http://hook.test:${receiver.port}/`;
    const first = sender.send(requestTo(url, 60));
    const second = sender.send(requestTo(url));
    expect(await first).toMatchObject(notConnected);
    expect(await second).toMatchObject({ outcome: 'acknowledged' });
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('an attempt to connect', () => {
  let server: Server;
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => sockets.push(socket.on('error', () => {}).resume())).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const silentTlsUrl = () => {
    const address = server.address();
    return `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  };

  it('ends at the deadline of the request that it was made for', async () => {
    expect(await senderForTest().send(requestTo(silentTlsUrl(), 100))).toMatchObject(notConnected);
    await expect.poll(() => sockets.map((each) => each.readableEnded || each.destroyed)).toEqual([true]);
  });

  it('ends with the sender', async () => {
    const sender = senderForTest();
    const sending = sender.send(requestTo(silentTlsUrl())).catch((error: unknown) => error);
    await expect.poll(() => sockets.length).toBe(1);
    await sender.close();
    expect(await sending).toBeInstanceOf(SenderClosedError);
    await expect.poll(() => sockets.map((each) => each.readableEnded || each.destroyed)).toEqual([true]);
  });

  it('ends in time also while the name server is silent', async () => {
    const sender = senderForTest({ resolveName: () => new Promise(() => {}) });
    expect(await sender.send(requestTo('http://hook.test/', 60))).toMatchObject(notConnected);
  });
});
