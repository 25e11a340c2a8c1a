import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { AllDeliveriesQuery, toDeliveryFilter } from './delivery-query.ts';
import { findAnyDelivery } from './delivery-row-sql.ts';
import { listAllDeliveries } from './list-deliveries-sql.ts';
import { readAttemptsOf } from './read-attempts-of.ts';
import { getAnyDeliveryReference, listAllDeliveriesReference } from './reference.ts';
import { DeliveryParams } from './schemas.ts';
import { toAnyDeliveryResource, toAttemptResource } from './to-resource.ts';

/** `/api/admin/deliveries`: the same over all customer servers. */
export const adminDeliveryRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.get(
    '/deliveries',
    { schema: { querystring: AllDeliveriesQuery }, config: { reference: listAllDeliveriesReference } },
    async ({ query }) => {
      const page = await listAllDeliveries(pool, toDeliveryFilter(query), toPageRequest(query));
      return { ok: true, data: page.items.map(toAnyDeliveryResource), nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/deliveries/:deliveryId',
    { schema: { params: DeliveryParams }, config: { reference: getAnyDeliveryReference } },
    async ({ params: { deliveryId } }) => {
      const delivery = await findAnyDelivery(pool, deliveryId);
      if (delivery === null) throw new ApiError('not_found');
      const attempts = (await readAttemptsOf(pool, delivery)).map(toAttemptResource);
      return { ok: true, data: { ...toAnyDeliveryResource(delivery), attempts } };
    },
  );
};
