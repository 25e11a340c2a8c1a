import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { OrderParams } from '../schemas/common-schemas.ts';
import { anyTimelineReference } from './reference.ts';
import { readAnyTimeline } from './timeline-sql.ts';
import { toAnyTimeline } from './to-timeline.ts';

/** `/api/admin/orders/:orderId/timeline` */
export const adminTimelineRoutes: Routes = async (app, deps) => {
  app.addHook('onRequest', requireOperator(deps));

  app.get(
    '/orders/:orderId/timeline',
    { schema: { params: OrderParams }, config: { reference: anyTimelineReference } },
    async ({ params }) => {
      const rows = await readAnyTimeline(deps.database.pool, params.orderId);
      if (rows.length === 0) throw new ApiError('not_found');
      return { ok: true, data: toAnyTimeline(rows) };
    },
  );
};
