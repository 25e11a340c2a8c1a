import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Resolves when who has just connected has been taken and has sent its request, at the latest after 1.2 s. From its
     * call on each answer says that it is its connection's last. For a process that is told to stop, before `close`, which
     * cuts off every connection without a request.
     */
    takeConnected(): Promise<void>;
  }
}

/**
 * How long a request that is under way may take once the app closes. Less than the process has for all its
 * parts: whoever is still sending a request by then is cut off, and the database is closed in order.
 */
const CLOSE_DEADLINE_MS = 10_000;
/** Connections may wait to be accepted: one a turn of the event loop. */
const ACCEPT_MS = 200;
/** A connection that has had no request for longer was opened in advance, or for none. */
const FIRST_REQUEST_MS = 1_000;
const LOOK_MS = 10;

/**
 * Lets `app.close()` end without cutting off a request. It waits for every connection, and a connection is kept alive for
 * the next request after its last answer: while the app closes each answer says that it is the last, and connections that
 * have become idle are closed.
 *
 * To Node a connection whose first request is on its way is idle, too. Whoever balances the load sends no more to a
 * process that stops, but may have just connected: `takeConnected` waits for them. It does not wait for what is on its way on a
 * connection that has had a request: whoever keeps connections has to ask again on another one when it is closed, as any
 * server may at any time.
 */
export const gracefulClose = fp(async (app: FastifyInstance) => {
  let isEnding = false;
  let isClosing = false;
  /** Connections that have had no request, by when they were accepted. */
  const unused = new Map<Socket, number>();

  app.server.on('connection', (socket) => {
    unused.set(socket, performance.now());
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));

  app.decorate('takeConnected', async () => {
    isEnding = true;
    const begunAt = performance.now();
    await sleep(ACCEPT_MS);
    const isOnItsWay = (acceptedAt: number) => performance.now() - acceptedAt < FIRST_REQUEST_MS;
    while (
      performance.now() - begunAt < ACCEPT_MS + FIRST_REQUEST_MS &&
      [...unused.values()].some(isOnItsWay)
    ) {
      await sleep(LOOK_MS);
    }
  });

  app.addHook('preClose', async () => {
    isEnding = true;
    isClosing = true;
    const deadline = setTimeout(() => app.server.closeAllConnections(), CLOSE_DEADLINE_MS);
    app.server.once('close', () => clearTimeout(deadline));
  });

  app.addHook('onSend', async (_request, reply) => {
    if (isEnding) reply.header('connection', 'close');
  });

  app.addHook('onResponse', async () => {
    // Its headers may have been sent before the closing began; the connection is idle only after this event.
    if (isClosing) setImmediate(() => app.server.closeIdleConnections());
  });
});
