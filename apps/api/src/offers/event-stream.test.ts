import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { EventStream, toServerSentEvent } from './event-stream.ts';

/** A response whose reader takes nothing until it is told to. */
async function openUnreadResponse() {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => resolve(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n');
  onTestFinished(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { response: await promise, socket };
}

test('an event is one line of JSON', () => {
  expect(toServerSentEvent('offer', { text: 'two\nlines' }).toString()).toBe(
    'event: offer\ndata: {"text":"two\\nlines"}\n\n',
  );
});

test('what a reader leaves unread is bounded, and then the reader is cut off', async () => {
  const { response } = await openUnreadResponse();
  const maxBufferedBytes = 64 * 1024;
  const stream = new EventStream({ response, maxBufferedBytes });
  stream.pipe(response);
  const event = Buffer.alloc(16 * 1024, 'x');
  const closed = once(stream, 'close');
  let held = 0;
  for (let sent = 0; !stream.destroyed; sent += 1) {
    stream.send(event);
    held = Math.max(held, stream.readableLength);
    // The kernel takes some megabytes before the socket is full.
    if (sent > 5_000) throw new Error('80 MB were taken from the stream by nobody');
    if (sent % 16 === 0) await nextTurn();
  }
  await closed;
  expect(held).toBeLessThanOrEqual(maxBufferedBytes + event.length);
  expect(stream.readableLength).toBeLessThanOrEqual(maxBufferedBytes + event.length);
});

test('a reader that does not take the end is cut off after a second', async () => {
  const { response } = await openUnreadResponse();
  const stream = new EventStream({ response, maxBufferedBytes: 100 * 1024 * 1024 });
  stream.pipe(response);
  const event = Buffer.alloc(1024 * 1024, 'x');
  while (stream.readableLength < 2 * event.length) {
    stream.send(event);
    await nextTurn();
  }
  const closed = once(response, 'close');
  stream.end();
  await closed;
  expect(response.writableFinished).toBe(false);
});

test('after its end nothing is sent', async () => {
  const { response, socket } = await openUnreadResponse();
  const stream = new EventStream({ response, maxBufferedBytes: 1024 });
  stream.pipe(response);
  stream.end();
  stream.send(Buffer.from('late'));
  stream.end();
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  await once(response, 'close');
  expect(response.writableFinished).toBe(true);
  expect(Buffer.concat(received).toString()).not.toContain('late');
});
