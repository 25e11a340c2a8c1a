import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../errors/api-error.ts';

/**
 * Unknown path: 404. Known path, wrong method: 405 with `allow`. Thrown before the body is read, so that a
 * faulty body does not hide that there is nothing here.
 */
export const unknownRoute = fp(async (app: FastifyInstance) => {
  const routes: { pattern: RegExp; methods: Set<string> }[] = [];

  app.addHook('onRoute', ({ url, method }) => {
    const { source } = toPattern(url);
    let route = routes.find(({ pattern }) => pattern.source === source);
    if (route === undefined) {
      route = { pattern: toPattern(url), methods: new Set() };
      routes.push(route);
    }
    for (const name of [method].flat()) route.methods.add(name);
  });

  app.addHook('onRequest', async (request) => {
    if (!request.is404) return;
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = new Set(
      routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]),
    );
    if (allowed.size === 0) throw new ApiError('not_found');
    throw new ApiError('method_not_allowed', { headers: { allow: [...allowed].sort().join(', ') } });
  });
});

/** `/orders/:orderId` as an expression over request paths. */
function toPattern(url: string): RegExp {
  const segments = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : RegExp.escape(segment)));
  return new RegExp(`^${segments.join('/')}$`);
}
