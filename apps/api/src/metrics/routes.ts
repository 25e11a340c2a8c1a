import type { Routes } from '../app-deps.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { metricsReference } from './reference.ts';

/** `GET /metrics`, with the operator's credential. */
export const metricsRoutes: Routes = async (app, deps) => {
  const { metricsPage } = deps;
  app.get(
    '/metrics',
    { onRequest: requireOperator(deps), config: { reference: metricsReference, isAnsweredUnderLoad: true } },
    async (_request, reply) => {
      const text = await metricsPage.read();
      return reply.type(metricsPage.contentType).header('cache-control', 'no-store').send(text);
    },
  );
};
