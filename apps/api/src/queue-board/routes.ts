/**
 * Bull Board at `/admin/queues`: operators look at the queue and its jobs.
 *
 * - Nothing of it is served without the operator's credential, assets and unknown paths included: the check is a
 *   hook of the scope in which every one of its routes lives.
 * - It can only look. Routes that would change something are not there (`ReadOnlyServerAdapter`), and the queue it
 *   is given has no way to change a job (`QueueInspector`). A webhook is sent again by the API, which keeps its
 *   place in the lane.
 * - It works without the queue: then its data is answered 503, and its page says so.
 */
import { createBullBoard } from '@bull-board/api';
import Type from 'typebox';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { DeliveryQueueAdapter } from './delivery-queue-adapter.ts';
import { ReadOnlyServerAdapter } from './read-only-server-adapter.ts';

const CHANGING_METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Its own files only; its styles are partly inline, and it asks Google for a font, which it does without. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What stands in the address of its pages is their own business; its API checks its parameters itself. */
const ANY_QUERY = Type.Object({});

export const queueBoardRoutes: Routes = async (app, deps) => {
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
  });
  app.addHook('onRequest', requireOperator(deps));
  app.addHook('onSend', async (_request, reply) => {
    // Also what is the same for everybody, such as its scripts, is for nobody without the credential.
    reply.header('cache-control', 'private, no-cache');
  });
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, querystring: ANY_QUERY };
  });
  app.setNotFoundHandler(async () => {
    throw new ApiError('not_found');
  });
  app.route({
    method: CHANGING_METHODS,
    url: '/*',
    onRequest: async () => {
      const message = 'Bull Board only shows the queue. To send a webhook again, use the resend of the API.';
      throw new ApiError('method_not_allowed', { message, headers: { allow: 'GET, HEAD' } });
    },
    handler: async () => undefined,
  });

  const serverAdapter = new ReadOnlyServerAdapter();
  serverAdapter.setBasePath(app.prefix);
  createBullBoard({
    queues: [new DeliveryQueueAdapter(deps.queue)],
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Vendor Server',
        environment: { label: 'read-only', color: '#475569', textColor: '#ffffff' },
        miscLinks: [{ text: 'API reference: resend a delivery', url: '/docs' }],
        hideDocsLink: true,
        hideRedisDetails: true,
        showMetrics: false,
        showWorkers: false,
        jobDetails: { defaultTab: 'Logs' },
        locale: { lng: 'en-US' },
      },
    },
  });
  await app.register(serverAdapter.registerPlugin());
};
