import type { EndpointStateAction } from '@vendor-server/domain/endpoints/decide-endpoint-state.ts';
import type { FastifyRequest } from 'fastify';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { changeEndpointState, deleteEndpoint, type EndpointActor } from './change-endpoint-state.ts';
import { createEndpointForCustomerServer } from './create-endpoint.ts';
import { findEndpointForCustomerServer, listEndpointsForCustomerServer } from './endpoint-query-sql.ts';
import { patchEndpointForCustomerServer } from './patch-endpoint.ts';
import { ENDPOINT_REFERENCES as REFERENCES } from './reference.ts';
import { rotateSigningSecretForCustomerServer } from './rotate-signing-secret.ts';
import {
  EndpointCreateBody,
  EndpointParams,
  EndpointPatchBody,
  EndpointQuery,
  SigningSecretRotationBody,
} from './schemas.ts';
import { toEndpointResource } from './to-endpoint-resource.ts';

const PATH = '/webhook-endpoints';
const ONE = `${PATH}/:endpointId`;

/** `/api/external/webhook-endpoints`: where the calling customer server wants its webhooks. */
export const webhookEndpointRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireCustomerServer(deps));

  app.get(
    PATH,
    { schema: { querystring: EndpointQuery }, config: { reference: REFERENCES.list } },
    async ({ customerServer, query }) => {
      const page = await listEndpointsForCustomerServer(pool, customerServer.id, toPageRequest(query));
      const data = page.items.map((row) => toEndpointResource(row, deps.settings));
      return { ok: true, data, nextCursor: page.nextCursor };
    },
  );

  app.post(
    PATH,
    { schema: { body: EndpointCreateBody }, config: { reference: REFERENCES.create } },
    async ({ customerServer, body }, reply) => {
      const created = await createEndpointForCustomerServer(deps, customerServer.id, body);
      const resource = await read(customerServer.id, created.endpointId);
      // The one time that the secret is shown.
      return reply.code(201).send({ ok: true, data: { ...resource, signingSecret: created.signingSecret } });
    },
  );

  app.get(
    ONE,
    { schema: { params: EndpointParams }, config: { reference: REFERENCES.get } },
    async ({ customerServer, params }) => answer(customerServer.id, params.endpointId),
  );

  app.patch(
    ONE,
    { schema: { params: EndpointParams, body: EndpointPatchBody }, config: { reference: REFERENCES.patch } },
    async ({ customerServer, params: { endpointId }, body }) => {
      await patchEndpointForCustomerServer(deps, customerServer.id, endpointId, body);
      return answer(customerServer.id, endpointId);
    },
  );

  app.delete(
    ONE,
    { schema: { params: EndpointParams }, config: { reference: REFERENCES.delete } },
    async (request) => {
      const { endpointId } = request.params;
      await read(request.customerServer.id, endpointId);
      const deletedAt = await deleteEndpoint(deps, endpointId, toActor(request));
      return { ok: true, data: { endpointId, deletedAt: deletedAt.toISOString() } };
    },
  );

  app.post(
    `${ONE}/rotate-secret`,
    {
      schema: { params: EndpointParams, body: SigningSecretRotationBody },
      config: { reference: REFERENCES.rotateSecret },
    },
    async ({ customerServer, params: { endpointId }, body: { overlapHours } }) => {
      const { overlapUntil, ...rotated } = await rotateSigningSecretForCustomerServer(
        deps,
        customerServer.id,
        endpointId,
        overlapHours,
      );
      return { ok: true, data: { ...rotated, overlapUntil: overlapUntil?.toISOString() ?? null } };
    },
  );

  for (const action of ['pause', 'resume', 'enable'] as const satisfies EndpointStateAction[]) {
    app.post(
      `${ONE}/${action}`,
      { schema: { params: EndpointParams }, config: { reference: REFERENCES[action] } },
      async (request) => {
        const { endpointId } = request.params;
        await read(request.customerServer.id, endpointId);
        await changeEndpointState(deps, endpointId, action, toActor(request));
        return answer(request.customerServer.id, endpointId);
      },
    );
  }

  async function answer(customerServerId: string, endpointId: string) {
    return { ok: true, data: await read(customerServerId, endpointId) };
  }

  async function read(customerServerId: string, endpointId: string) {
    const row = await findEndpointForCustomerServer(pool, customerServerId, endpointId);
    if (row === null) throw new ApiError('not_found');
    return toEndpointResource(row, deps.settings);
  }
};

function toActor({ customerServer, log }: Pick<FastifyRequest, 'customerServer' | 'log'>): EndpointActor {
  return { actor: { type: 'customer_server', id: customerServer.id }, log };
}
