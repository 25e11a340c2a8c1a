import type { Static } from 'typebox';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer, requireOperator } from '../plugins/authentication.ts';
import {
  getAnyReplayReference,
  getReplayReference,
  startAnyReplayReference,
  startReplayReference,
} from './reopen-reference.ts';
import {
  AnyReplayBody,
  type AnyReplayResource,
  ReplayBody,
  ReplayParams,
  type ReplayResource,
} from './replay-schemas.ts';
import {
  existsCustomerServer,
  findAnyReplay,
  findReplayForCustomerServer,
  type ReplayRow,
} from './replay-sql.ts';
import { startReplayForCustomerServer } from './start-replay.ts';

const PATH = '/deliveries/replay';
const ONE = `${PATH}/:replayId`;

/** `/api/external/deliveries/replay`: a span of the caller's deliveries is sent again. */
export const replayRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireCustomerServer(deps));

  app.post(
    PATH,
    { schema: { body: ReplayBody }, config: { reference: startReplayReference } },
    async ({ customerServer, body, log }, reply) => {
      const replayId = await startReplayForCustomerServer(deps, customerServer.id, body, log, null);
      return reply.code(202).send({ ok: true, data: { replayId } });
    },
  );

  app.get(
    ONE,
    { schema: { params: ReplayParams }, config: { reference: getReplayReference } },
    async ({ customerServer, params }) => {
      const replay = await findReplayForCustomerServer(pool, customerServer.id, params.replayId);
      if (replay === null) throw new ApiError('not_found');
      return { ok: true, data: toReplayResource(replay) };
    },
  );
};

/**
 * `/api/admin/deliveries/replay`: the same for operators, who name the customer server. A replay is one tenant's:
 * its pace and its end are a matter of that tenant's endpoints.
 */
export const adminReplayRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.post(
    PATH,
    { schema: { body: AnyReplayBody }, config: { reference: startAnyReplayReference } },
    async ({ operator, body, log }, reply) => {
      if (!(await existsCustomerServer(pool, body.customerServerId))) throw new ApiError('not_found');
      const by = { operator: operator.name };
      const replayId = await startReplayForCustomerServer(deps, body.customerServerId, body, log, by);
      return reply.code(202).send({ ok: true, data: { replayId } });
    },
  );

  app.get(
    ONE,
    { schema: { params: ReplayParams }, config: { reference: getAnyReplayReference } },
    async ({ params }) => {
      const replay = await findAnyReplay(pool, params.replayId);
      if (replay === null) throw new ApiError('not_found');
      const { customerServerId } = replay;
      const data: Static<typeof AnyReplayResource> = { ...toReplayResource(replay), customerServerId };
      return { ok: true, data };
    },
  );
};

function toReplayResource(row: ReplayRow): Static<typeof ReplayResource> {
  return {
    replayId: row.replayId,
    state: row.state,
    since: row.since.toISOString(),
    until: row.until.toISOString(),
    endpointId: row.endpointId,
    states: row.states,
    matched: row.matched,
    reopened: row.reopened,
    delivered: row.delivered,
    failed: row.failed,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}
