import type { EndpointStateAction } from '@vendor-server/domain/endpoints/decide-endpoint-state.ts';
import type { FastifyRequest } from 'fastify';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { changeEndpointState, deleteEndpoint, type EndpointActor } from './change-endpoint-state.ts';
import { findAnyEndpoint, listAllEndpoints } from './endpoint-query-sql.ts';
import { OPERATOR_ENDPOINT_REFERENCES as REFERENCES } from './operator-reference.ts';
import { patchEndpointForCustomerServer } from './patch-endpoint.ts';
import { rotateSigningSecretForCustomerServer } from './rotate-signing-secret.ts';
import {
  AllEndpointsQuery,
  EndpointParams,
  EndpointPatchBody,
  SigningSecretRotationBody,
} from './schemas.ts';
import { toOperatorEndpointResource } from './to-endpoint-resource.ts';

const PATH = '/webhook-endpoints';
const ONE = `${PATH}/:endpointId`;

/**
 * `/api/admin/webhook-endpoints`: everybody's endpoints, and which of them fail. An operator changes one as its
 * customer server would.
 */
export const adminWebhookEndpointRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.get(
    PATH,
    { schema: { querystring: AllEndpointsQuery }, config: { reference: REFERENCES.list } },
    async ({ query }) => {
      const page = await listAllEndpoints(pool, query, toPageRequest(query));
      const data = page.items.map((row) => toOperatorEndpointResource(row, deps.settings));
      return { ok: true, data, nextCursor: page.nextCursor };
    },
  );

  app.get(
    ONE,
    { schema: { params: EndpointParams }, config: { reference: REFERENCES.get } },
    async ({ params }) => answer(params.endpointId),
  );

  app.patch(
    ONE,
    { schema: { params: EndpointParams, body: EndpointPatchBody }, config: { reference: REFERENCES.patch } },
    async ({ params: { endpointId }, body }) => {
      const { customerServerId } = await find(endpointId);
      await patchEndpointForCustomerServer(deps, customerServerId, endpointId, body);
      return answer(endpointId);
    },
  );

  app.delete(
    ONE,
    { schema: { params: EndpointParams }, config: { reference: REFERENCES.delete } },
    async (request) => {
      const { endpointId } = request.params;
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
    async ({ params: { endpointId }, body: { overlapHours } }) => {
      const { customerServerId } = await find(endpointId);
      const { overlapUntil, ...rotated } = await rotateSigningSecretForCustomerServer(
        deps,
        customerServerId,
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
        await changeEndpointState(deps, endpointId, action, toActor(request));
        return answer(endpointId);
      },
    );
  }

  async function find(endpointId: string) {
    const row = await findAnyEndpoint(pool, endpointId);
    if (row === null) throw new ApiError('not_found');
    return row;
  }

  async function answer(endpointId: string) {
    return { ok: true, data: toOperatorEndpointResource(await find(endpointId), deps.settings) };
  }
};

function toActor({ operator, log }: Pick<FastifyRequest, 'operator' | 'log'>): EndpointActor {
  return { actor: { type: 'admin', id: operator.name }, log };
}
