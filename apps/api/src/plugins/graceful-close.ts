import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/**
 * How long a request that is under way may take once the app closes. Less than the process has for all its
 * parts: whoever is still sending a request by then is cut off, and the database is closed in order.
 */
const CLOSE_DEADLINE_MS = 10_000;

/**
 * Lets `app.close()` end. It waits for every connection, and a connection is kept alive for the next request
 * after its last answer: while the app closes each answer says that it is the last, and connections that
 * have become idle are closed.
 */
export const gracefulClose = fp(async (app: FastifyInstance) => {
  let isClosing = false;

  app.addHook('preClose', async () => {
    isClosing = true;
    const deadline = setTimeout(() => app.server.closeAllConnections(), CLOSE_DEADLINE_MS);
    app.server.once('close', () => clearTimeout(deadline));
  });

  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });

  app.addHook('onResponse', async () => {
    // Its headers may have been sent before the closing began; the connection is idle only after this event.
    if (isClosing) setImmediate(() => app.server.closeIdleConnections());
  });
});
