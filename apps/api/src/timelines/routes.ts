import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer } from '../plugins/authentication.ts';
import { OrderParams } from '../schemas/common-schemas.ts';
import { timelineReference } from './reference.ts';
import { readTimelineForCustomerServer } from './timeline-sql.ts';
import { toTimeline } from './to-timeline.ts';

/** `/api/external/orders/:orderId/timeline`: which system was told what, when, after how many tries. */
export const timelineRoutes: Routes = async (app, deps) => {
  app.addHook('onRequest', requireCustomerServer(deps));

  app.get(
    '/orders/:orderId/timeline',
    { schema: { params: OrderParams }, config: { reference: timelineReference } },
    async ({ customerServer, params }) => {
      const rows = await readTimelineForCustomerServer(deps.database.pool, customerServer.id, params.orderId);
      if (rows.length === 0) throw new ApiError('not_found');
      return { ok: true, data: toTimeline(rows) };
    },
  );
};
