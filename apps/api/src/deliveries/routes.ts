import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer } from '../plugins/authentication.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { DeliveryQuery, toDeliveryFilter } from './delivery-query.ts';
import { findDeliveryForCustomerServer } from './delivery-row-sql.ts';
import { listDeliveriesForCustomerServer } from './list-deliveries-sql.ts';
import { readAttemptsOf } from './read-attempts-of.ts';
import { getDeliveryReference, listDeliveriesReference } from './reference.ts';
import { DeliveryParams } from './schemas.ts';
import { toAttemptResource, toDeliveryResource } from './to-resource.ts';

/** `/api/external/deliveries`: what a customer server's endpoints were told, and what they answered. */
export const deliveryRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireCustomerServer(deps));

  app.get(
    '/deliveries',
    { schema: { querystring: DeliveryQuery }, config: { reference: listDeliveriesReference } },
    async ({ customerServer, query }) => {
      const filter = toDeliveryFilter(query);
      const page = await listDeliveriesForCustomerServer(
        pool,
        customerServer.id,
        filter,
        toPageRequest(query),
      );
      return { ok: true, data: page.items.map(toDeliveryResource), nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/deliveries/:deliveryId',
    { schema: { params: DeliveryParams }, config: { reference: getDeliveryReference } },
    async ({ customerServer, params: { deliveryId } }) => {
      const delivery = await findDeliveryForCustomerServer(pool, customerServer.id, deliveryId);
      if (delivery === null) throw new ApiError('not_found');
      const attempts = (await readAttemptsOf(pool, delivery)).map(toAttemptResource);
      return { ok: true, data: { ...toDeliveryResource(delivery), attempts } };
    },
  );
};
