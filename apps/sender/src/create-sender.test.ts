import { createReceiver, type Receiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import {
  closeEarly,
  drip,
  endlessBody,
  hang,
  hugeHeaders,
  raw,
  rawFlood,
  reset,
  resetHalfway,
  respond,
  respondThenClose,
} from '@vendor-server/e2e/receiver/steps.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSender } from './create-sender.ts';
import { SenderClosedError } from './sender-closed-error.ts';
import { requestTo, senderForTest } from './testing/sender-for-test.ts';

let receiver: Receiver;

beforeEach(async () => {
  receiver = await createReceiver();
});

afterEach(() => receiver.close());

const earlyHints = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';

describe('the request', () => {
  it('is one POST with the given headers and bytes, and nothing that asks for more', async () => {
    const body = '{"customerNotes":"naïve ✓"}';
    await senderForTest().send({
      url: receiver.url('/hook/a%20b?token=1'),
      headers: { 'content-type': 'application/json', 'x-webhook-attempt': '1' },
      body,
      deadline: performance.now() + 5_000,
    });

    expect(receiver.requests).toHaveLength(1);
    const [received] = receiver.requests;
    expect(received).toMatchObject({ method: 'POST', path: '/hook/a%20b?token=1' });
    expect(received!.body.toString()).toBe(body);
    expect(received!.headers).toEqual({
      host: `127.0.0.1:${receiver.port}`,
      connection: 'keep-alive',
      'content-type': 'application/json',
      'x-webhook-attempt': '1',
      'content-length': String(Buffer.byteLength(body)),
    });
  });

  it('reaches localhost through the hosts file', async () => {
    const sender = createSender({ allowedNetworks: ['127.0.0.0/8', '::1/128'], maxConnectionsPerOrigin: 1 });
    const url = `http://localhost:${receiver.port}/`;
    expect(await sender.send(requestTo(url))).toMatchObject({ outcome: 'acknowledged' });
    expect(receiver.requests[0]!.header('host')).toBe(`localhost:${receiver.port}`);
    await sender.close();
  });

  it('shares no more connections than allowed and loses none of the requests', async () => {
    receiver.answer('/hook', respond(200, { delayMs: 5 }));
    const sender = senderForTest({ maxConnectionsPerOrigin: 4 });
    const results = await Promise.all(
      Array.from({ length: 40 }, () => sender.send(requestTo(receiver.url('/hook')))),
    );
    expect(results.map((each) => each.outcome)).toEqual(Array(40).fill('acknowledged'));
    expect(receiver).toMatchObject({ connections: 4 });
    expect(receiver.requests).toHaveLength(40);
  });
});

describe('an answer', () => {
  it.each([
    [200, 'acknowledged', null],
    [204, 'acknowledged', null],
    [299, 'acknowledged', null],
    [400, 'rejected', 'rejected: The endpoint answered 400.'],
    [410, 'rejected', 'rejected: The endpoint answered 410.'],
    [503, 'rejected', 'rejected: The endpoint answered 503.'],
    [304, 'redirected', 'redirected: The endpoint answered 304; redirects are not followed.'],
  ])('with status %i is %s', async (status, outcome, error) => {
    receiver.answer('/hook', respond(status));
    expect(await senderForTest().send(requestTo(receiver.url('/hook')))).toMatchObject({
      outcome,
      error,
      responseStatus: status,
      durationMs: expect.any(Number),
    });
  });

  it('that redirects is not followed', async () => {
    const elsewhere = await createReceiver();
    receiver.answer('/hook', respond(307, { headers: { location: elsewhere.url('/inner') } }));
    expect(await senderForTest().send(requestTo(receiver.url('/hook')))).toMatchObject({
      outcome: 'redirected',
    });
    expect(elsewhere.connections).toBe(0);
    await elsewhere.close();
  });

  it('is kept as text that can be stored, with its Retry-After as it came', async () => {
    const body = Buffer.concat([Buffer.from('a\0b '), Buffer.from([0xff, 0x20]), Buffer.alloc(5_000, 'é')]);
    receiver.answer('/hook', respond(429, { body, headers: { 'retry-after': ' 120 ' } }));
    const result = await senderForTest().send(requestTo(receiver.url('/hook')));
    expect(result.retryAfter).toBe('120');
    expect(result.responseExcerpt).toBe(`ab \uFFFD ${'é'.repeat(509)}`);
  });

  it('in compressed form is not inflated', async () => {
    receiver.answer('/hook', respond(200, { body: 'not gzip', headers: { 'content-encoding': 'gzip' } }));
    expect(await senderForTest().send(requestTo(receiver.url('/hook')))).toMatchObject({
      outcome: 'acknowledged',
      responseExcerpt: 'not gzip',
    });
  });

  it.each([
    ['a 200 that is reset half-way', resetHalfway(200), 'acknowledged', 'the first half'],
    ['a 500 that is reset half-way', resetHalfway(500), 'rejected', 'the first half'],
    ['a 200 with an endless body', endlessBody(200), 'acknowledged', 'x'.repeat(1024)],
    ['a 500 with an endless body', endlessBody(500), 'rejected', 'x'.repeat(1024)],
  ])('counts by its status: %s', async (_name, step, outcome, responseExcerpt) => {
    receiver.answer('/hook', step);
    expect(await senderForTest().send(requestTo(receiver.url('/hook')))).toMatchObject({
      outcome,
      responseExcerpt,
    });
    await expect.poll(() => receiver.openConnections).toBe(0);
  });

  it.each([
    ['keep-alive', 64 * 1024, 1],
    ['keep-alive', 64 * 1024 + 1, 0],
    ['close', 200_000, 0],
  ])('over "connection: %s" with %i bytes leaves %i connections', async (connection, bytes, open) => {
    receiver.answer('/hook', respond(200, { body: 'y'.repeat(bytes), headers: { connection } }));
    expect(await senderForTest().send(requestTo(receiver.url('/hook')))).toMatchObject({
      outcome: 'acknowledged',
    });
    await expect.poll(() => receiver.openConnections).toBe(open);
  });

  it('with a body that drips is cut after 2 s, while the status came in at once', async () => {
    receiver.answer('/hook', drip(200, 20));
    const startedAt = performance.now();
    const result = await senderForTest().send(requestTo(receiver.url('/hook'), 500));
    expect(result).toMatchObject({
      outcome: 'acknowledged',
      responseExcerpt: expect.stringMatching(/^drip drip/),
    });
    expect(result.durationMs).toBeLessThan(500);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_990);
    await expect.poll(() => receiver.openConnections).toBe(0);
  });
});

describe('no answer', () => {
  it('from a port nobody listens on', async () => {
    await receiver.close();
    expect(await senderForTest().send(requestTo(receiver.url('/hook')))).toEqual({
      outcome: 'connection_failed',
      reason: 'connection_refused',
      responseStatus: null,
      responseExcerpt: null,
      retryAfter: null,
      error: 'connection_refused: The endpoint refused the connection.',
      durationMs: expect.any(Number),
    });
  });

  it('from port 0, which is not the default port', async () => {
    const result = await senderForTest().send(requestTo('http://127.0.0.1:0/'));
    expect(result).toMatchObject({ outcome: 'connection_failed' });
  });

  it.each([
    ['closed before any byte', closeEarly(), 'connection_failed', /^connection_closed: /],
    ['reset before any byte', reset(), 'connection_failed', /^connection_reset: /],
    ['not HTTP', raw('SSH-2.0-OpenSSH_9.2\r\n'), 'malformed_response', /^invalid_http: /],
    ['headers over 16 KiB', hugeHeaders(200, 16 * 1024), 'response_too_large', /^headers_too_large: /],
    [
      'cut in its headers',
      raw('HTTP/1.1 200 OK\r\nx: ', { thenClose: true }),
      'malformed_response',
      /^incomplete_/,
    ],
    [
      'an upgrade',
      raw('HTTP/1.1 101 S\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'malformed_response',
      /^unasked_upgrade: /,
    ],
    ['a flood of 1xx', rawFlood(earlyHints), 'malformed_response', /^informational_flood: /],
  ])('that counts: %s', async (_name, step, outcome, error) => {
    receiver.answer('/hook', step);
    expect(await senderForTest().send(requestTo(receiver.url('/hook?token=secret')))).toMatchObject({
      outcome,
      error: expect.stringMatching(error),
      responseStatus: null,
    });
    expect(receiver.requests).toHaveLength(1);
    await expect.poll(() => receiver.openConnections).toBe(0);
  });

  it('takes headers of nearly 16 KiB and an early hint for what they are', async () => {
    receiver.answer('/huge', hugeHeaders(200, 15 * 1024));
    receiver.answer('/hint', raw(`${earlyHints}HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n`));
    const sender = senderForTest();
    expect(await sender.send(requestTo(receiver.url('/huge')))).toMatchObject({ responseStatus: 200 });
    expect(await sender.send(requestTo(receiver.url('/hint')))).toMatchObject({ responseStatus: 202 });
  });

  it.each([
    ['silent', hang()],
    ['busy with 1xx', rawFlood(earlyHints, 40)],
    ['busy with an endless status line', rawFlood('HTTP/1.1 200 and so on', 20)],
    ['slow to begin', respond(200, { delayMs: 2_000 })],
  ])('in time from an endpoint that is %s, which loses its connection', async (_name, step) => {
    receiver.answer('/hook', step);
    const result = await senderForTest().send(requestTo(receiver.url('/hook'), 200));
    expect(result).toMatchObject({ outcome: 'timed_out', error: expect.stringMatching(/^no_answer: /) });
    expect(result.durationMs).toBeGreaterThanOrEqual(100);
    expect(result.durationMs).toBeLessThan(1_500);
    await expect.poll(() => receiver.openConnections).toBe(0);
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('a connection that is used again', () => {
  it('and closed instead of an answer is a failure, not a second request', async () => {
    receiver.answer('/hook', respond(200), closeEarly());
    const sender = senderForTest({ maxConnectionsPerOrigin: 1 });
    expect(await sender.send(requestTo(receiver.url('/hook')))).toMatchObject({ outcome: 'acknowledged' });
    expect(await sender.send(requestTo(receiver.url('/hook')))).toMatchObject({
      outcome: 'connection_failed',
    });
    expect(receiver.requests.map((each) => each.connection)).toEqual([1, 1]);
    expect(receiver.connections).toBe(1);
  });

  it('is replaced when the server closed it meanwhile', async () => {
    receiver.answer('/hook', respondThenClose(200));
    const sender = senderForTest();
    await sender.send(requestTo(receiver.url('/hook')));
    await expect.poll(() => receiver.openConnections).toBe(0);
    expect(await sender.send(requestTo(receiver.url('/hook')))).toMatchObject({ outcome: 'acknowledged' });
    expect(receiver.connections).toBe(2);
  });
});

describe('our own faults', () => {
  it.each([
    ['a URL that is none', { url: 'endpoint' }, 'Invalid URL'],
    ['a URL of another kind', { url: 'ftp://127.0.0.1/' }, 'Not an HTTP URL: ftp:'],
    [
      'a header that would begin another',
      { headers: { 'x-order': 'a\r\nx-injected: 1' } },
      'invalid x-order header',
    ],
  ])('are thrown: %s', async (_name, fault, message) => {
    const sending = senderForTest().send({ ...requestTo(receiver.url('/hook')), ...fault });
    await expect(sending).rejects.toThrow(message);
    expect(receiver.bytesReceived).toBe(0);
  });

  it('include closing the sender too early: its sends are thrown out at once', async () => {
    receiver.answer('/hook', hang());
    const sender = senderForTest();
    const sending = sender.send(requestTo(receiver.url('/hook'))).catch((error: unknown) => error);
    await receiver.waitForCount(1);
    await sender.close();
    expect(await sending).toBeInstanceOf(SenderClosedError);
    await expect(sender.send(requestTo(receiver.url('/hook')))).rejects.toBeInstanceOf(SenderClosedError);
    await expect.poll(() => receiver.openConnections).toBe(0);
  });
});
