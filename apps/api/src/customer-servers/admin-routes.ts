import { createCustomerServer } from '@vendor-server/platform/customer-servers/create-customer-server.ts';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { CustomerServerParams } from '../schemas/common-schemas.ts';
import { assertUsableUrl } from '../webhook-endpoints/assert-usable-url.ts';
import { findCustomerServer, listCustomerServers, renameCustomerServer } from './customer-server-queries.ts';
import {
  createCustomerServerReference,
  getCustomerServerReference,
  listCustomerServersReference,
  updateCustomerServerReference,
} from './reference.ts';
import { CustomerServerCreateBody, CustomerServerListQuery, CustomerServerPatchBody } from './schemas.ts';
import { toCustomerServerResource } from './to-resource.ts';

/** `/api/admin/customer-servers` */
export const adminCustomerServerRoutes: Routes = async (app, deps) => {
  const { prisma } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.get(
    '/customer-servers',
    { schema: { querystring: CustomerServerListQuery }, config: { reference: listCustomerServersReference } },
    async ({ query }) => {
      const page = await listCustomerServers(prisma, toPageRequest(query));
      return { ok: true, data: page.items.map(toCustomerServerResource), nextCursor: page.nextCursor };
    },
  );

  app.post(
    '/customer-servers',
    { schema: { body: CustomerServerCreateBody }, config: { reference: createCustomerServerReference } },
    async ({ body }, reply) => {
      const webhookUrl = body.webhookUrl ?? null;
      if (webhookUrl !== null) assertUsableUrl('webhookUrl', webhookUrl, deps.settings);
      const { endpoint, ...created } = await prisma.$transaction((transaction) =>
        createCustomerServer(transaction, deps.secretBox, { name: body.name, webhookUrl }),
      );
      // The one time that the secrets are shown.
      return reply
        .code(201)
        .send({ ok: true, data: { ...created, ...(endpoint === null ? {} : { endpoint }) } });
    },
  );

  app.get(
    '/customer-servers/:customerServerId',
    { schema: { params: CustomerServerParams }, config: { reference: getCustomerServerReference } },
    async (request) => answer(request.params.customerServerId),
  );

  app.patch(
    '/customer-servers/:customerServerId',
    {
      schema: { params: CustomerServerParams, body: CustomerServerPatchBody },
      config: { reference: updateCustomerServerReference },
    },
    async ({ params: { customerServerId }, body: { name } }) => {
      if (name !== undefined) await renameCustomerServer(prisma, customerServerId, name);
      return answer(customerServerId);
    },
  );

  async function answer(customerServerId: string) {
    const server = await findCustomerServer(prisma, customerServerId);
    if (server === null) throw new ApiError('not_found');
    return { ok: true, data: toCustomerServerResource(server) };
  }
};
