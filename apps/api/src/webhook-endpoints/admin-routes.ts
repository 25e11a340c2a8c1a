import type { EndpointStateAction } from '@vendor-server/domain/endpoints/decide-endpoint-state.ts';
import type { Actor } from '@vendor-server/domain/orders/actor.ts';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { changeEndpointState } from './change-endpoint-state.ts';
import { findAnyEndpoint, listAllEndpoints } from './endpoint-query-sql.ts';
import { OPERATOR_ENDPOINT_REFERENCES as REFERENCES } from './reference.ts';
import { AllEndpointsQuery, EndpointParams } from './schemas.ts';
import { toOperatorEndpointResource } from './to-endpoint-resource.ts';

const PATH = '/webhook-endpoints';
const ONE = `${PATH}/:endpointId`;

/** `/api/admin/webhook-endpoints`: everybody's endpoints, and which of them fail. */
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

  for (const action of ['pause', 'resume', 'enable'] as const satisfies EndpointStateAction[]) {
    app.post(
      `${ONE}/${action}`,
      { schema: { params: EndpointParams }, config: { reference: REFERENCES[action] } },
      async ({ params: { endpointId }, operator, log }) => {
        const actor: Actor = { type: 'admin', id: operator.name };
        await changeEndpointState(deps, endpointId, action, { actor, log });
        return answer(endpointId);
      },
    );
  }

  async function answer(endpointId: string) {
    const row = await findAnyEndpoint(pool, endpointId);
    if (row === null) throw new ApiError('not_found');
    return { ok: true, data: toOperatorEndpointResource(row, deps.settings) };
  }
};
