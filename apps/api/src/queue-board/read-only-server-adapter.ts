import type { AppControllerRoute, ControllerHandlerReturnType } from '@bull-board/api/dist/types.js';
import { FastifyAdapter } from '@bull-board/fastify';
import { ApiError } from '../errors/api-error.ts';

/** The routes of Bull Board's API that are there at all: what shows the queue and its jobs. */
const SHOWN_ROUTES = new Set([
  '/api/queues',
  '/api/queues/:queueName/:jobId',
  '/api/queues/:queueName/:jobId/logs',
  '/api/queues/:queueName/:jobId/flow',
]);

/** Serves of Bull Board only what looks, and fails as every other route of the API does. */
export class ReadOnlyServerAdapter extends FastifyAdapter {
  override setApiRoutes(routes: AppControllerRoute[]): this {
    const shown = routes.filter(({ method, route }) => method === 'get' && SHOWN_ROUTES.has(String(route)));
    super.setApiRoutes(
      shown.map((route) => ({
        ...route,
        handler: async (request) =>
          // No job of ours has parents or children; Bull Board would make a producer to find out.
          String(route.route).endsWith('/flow')
            ? { body: { nodeId: String(request?.params['jobId']), flowRoot: null, isFlowNode: false } }
            : toAnswer(await route.handler(request)),
      })),
    );
    return this;
  }

  /** Bull Board would answer with the error's own message; thrown on, it is the app's to answer. */
  override setErrorHandler(): this {
    return super.setErrorHandler((error) => {
      throw error;
    });
  }
}

function toAnswer<Answer extends ControllerHandlerReturnType>(answer: Answer): Answer {
  const { status = 200 } = answer;
  if (status < 400) return answer;
  if (status === 404) throw new ApiError('not_found');
  if (status === 400)
    throw new ApiError('validation_failed', { details: ['query is not one of Bull Board'] });
  throw new ApiError('internal_error', { cause: answer.body });
}
