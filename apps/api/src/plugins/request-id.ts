import type { IncomingMessage } from 'node:http';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

const USABLE_REQUEST_ID = /^[\w.-]{1,100}$/;

/** The caller's `x-request-id` when it is safe to repeat in headers and logs, else a new one. */
export function chooseRequestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && USABLE_REQUEST_ID.test(given) ? given : createId();
}

/** Tells every caller the id under which its request is logged. */
export const requestId = fp(async (app: FastifyInstance) => {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
});
