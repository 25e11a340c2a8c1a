import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer } from '../plugins/authentication.ts';
import { findCustomerServer } from './customer-server-queries.ts';
import { getMeReference } from './reference.ts';
import { toCustomerServerResource } from './to-resource.ts';

/** `/api/external/me`: the calling customer server and where its webhooks go. */
export const customerServerMeRoutes: Routes = async (app, deps) => {
  app.addHook('onRequest', requireCustomerServer(deps));

  app.get('/me', { config: { reference: getMeReference } }, async ({ customerServer }) => {
    const server = await findCustomerServer(deps.database.prisma, customerServer.id);
    if (server === null) throw new ApiError('not_found');
    return { ok: true, data: toCustomerServerResource(server) };
  });
};
