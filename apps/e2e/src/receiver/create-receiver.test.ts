import { connect } from 'node:net';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReceiver, type Receiver } from './create-receiver.ts';
import { closeEarly, drip, endlessBody, hang, hugeHeaders, raw, reset, respond, times } from './steps.ts';

let receiver: Receiver;

beforeEach(async () => {
  receiver = await createReceiver();
});

afterEach(() => receiver.close());

async function post(path: string, body = '{}', headers: Record<string, string> = {}) {
  const answer = await request(receiver.url(path), { method: 'POST', body, headers });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

describe('what it records', () => {
  it('keeps method, path, headers, bytes and times of each request', async () => {
    const before = Date.now();
    await post('/hook?a=1', '{"naïve":"✓"}', { 'X-Some-Header': 'value' });

    const [received] = await receiver.waitForCount(1);
    expect(received).toMatchObject({ method: 'POST', path: '/hook?a=1', connection: 1 });
    expect(received!.body.equals(Buffer.from('{"naïve":"✓"}'))).toBe(true);
    expect(received!.json()).toEqual({ naïve: '✓' });
    expect(received!.header('x-some-header')).toBe('value');
    expect(received!.rawHeaders).toContain('X-Some-Header');
    expect(received!.receivedAt).toBeGreaterThan(before - 1_000);
    expect(received!.answeredAt).toBeGreaterThanOrEqual(received!.receivedAt);
    expect(received!.answeredStatus).toBe(200);
    expect(receiver.bytesReceived).toBeGreaterThan(received!.body.length);
  });

  it('counts a connection that never becomes a request', async () => {
    const socket = connect(receiver.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\n');
    await expect.poll(() => receiver.bytesReceived).toBe(17);
    expect(receiver).toMatchObject({ connections: 1, openConnections: 1, requests: [] });
    socket.destroy();
    await expect.poll(() => receiver.openConnections).toBe(0);
    expect(receiver.bytesReceived).toBe(17);
  });

  it('lets a test wait for a request to come, and says so when none does', async () => {
    const found = receiver.waitFor((each) => each.path === '/second');
    await post('/first');
    await post('/second');
    expect((await found).path).toBe('/second');
    await expect(receiver.waitForCount(3, 20)).rejects.toThrow('request 3 did not come within 20 ms');
  });
});

describe('whom it answers how', () => {
  it('answers 200 unless told otherwise', async () => {
    expect(await post('/any')).toMatchObject({ status: 200, text: '{"success":true}' });
  });

  it('takes the steps of a rule in order and stays with the last', async () => {
    receiver.answer('/hook', ...times(2, respond(503, { headers: { 'retry-after': '1' } })), respond(200));
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await post('/hook?n=1')).status);
    expect(statuses).toEqual([503, 503, 200, 200]);
    expect((await post('/other')).status).toBe(200);
  });

  it('counts each key on its own', async () => {
    receiver.answerEach((each) => each.header('webhook-id'), respond(500), respond(204));
    const statuses = [];
    for (const id of ['a', 'b', 'a', 'b']) statuses.push((await post('/', '', { 'webhook-id': id })).status);
    expect(statuses).toEqual([500, 500, 204, 204]);
  });

  it('prefers the rule that was made last, and passes requests that it is not for', async () => {
    receiver.answer(() => true, respond(400));
    receiver.answer((each) => each.body.includes('special'), respond(201));
    expect((await post('/', 'a special one')).status).toBe(201);
    expect((await post('/', 'another')).status).toBe(400);
  });

  it('can begin its answer late', async () => {
    receiver.answer('/late', respond(200, { delayMs: 60 }));
    await post('/late');
    const [received] = receiver.requests;
    expect(received!.answeredAt! - received!.receivedAt).toBeGreaterThanOrEqual(55);
  });
});

describe('how it misbehaves', () => {
  it.each([
    ['closes the connection', closeEarly(), { code: 'UND_ERR_SOCKET' }],
    ['resets the connection', reset(), { code: 'ECONNRESET' }],
    ['answers what is not HTTP', raw('rubbish\r\n\r\n'), { name: 'HTTPParserError' }],
    ['sends huge headers', hugeHeaders(200, 20_000), { code: 'UND_ERR_HEADERS_OVERFLOW' }],
  ])('%s', async (_name, step, error) => {
    receiver.answer('/hook', step);
    await expect(post('/hook')).rejects.toMatchObject(error);
  });

  it('hangs until it is closed', async () => {
    receiver.answer('/hook', hang());
    const outcome = post('/hook').catch((error: unknown) => error);
    await receiver.waitForCount(1);
    await receiver.close();
    expect(await outcome).toBeInstanceOf(Error);
    expect(receiver.requests[0]!.answeredAt).toBeNull();
    receiver = await createReceiver({ port: receiver.port });
    expect((await post('/hook')).status).toBe(200);
  });

  it.each([
    ['drips', drip(200, 5)],
    ['pours', endlessBody(200)],
  ])('%s a body without end, until the client goes', async (_name, step) => {
    receiver.answer('/hook', step);
    const answer = await request(receiver.url('/hook'), { method: 'POST', body: '{}' });
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > 20) break;
    }
    await expect.poll(() => receiver.openConnections).toBe(0);
  });
});
