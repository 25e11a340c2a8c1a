import type { Routes } from '../app-deps.ts';
import { requireCustomerServer, requireOperator } from '../plugins/authentication.ts';
import { readNewestAttempts } from './attempts-sql.ts';
import { findAnyDelivery, findDeliveryForCustomerServer } from './delivery-row-sql.ts';
import { resendAnyReference, resendReference } from './reopen-reference.ts';
import { resendDelivery } from './resend-delivery.ts';
import { DeliveryParams } from './schemas.ts';
import { toAnyDeliveryResource, toAttemptResource, toDeliveryResource } from './to-resource.ts';

const PATH = '/deliveries/:deliveryId/resend';

/** `/api/external/deliveries/:deliveryId/resend`: one of the caller's deliveries is sent again. */
export const resendRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireCustomerServer(deps));

  app.post(
    PATH,
    { schema: { params: DeliveryParams }, config: { reference: resendReference } },
    async ({ customerServer, params: { deliveryId }, log }) => {
      const find = () => findDeliveryForCustomerServer(pool, customerServer.id, deliveryId);
      const delivery = await resendDelivery(deps, find, log, null);
      const attempts = (await readNewestAttempts(pool, deliveryId)).map(toAttemptResource);
      return { ok: true, data: { ...toDeliveryResource(delivery), attempts } };
    },
  );
};

/** `/api/admin/deliveries/:deliveryId/resend`: any delivery. */
export const adminResendRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.post(
    PATH,
    { schema: { params: DeliveryParams }, config: { reference: resendAnyReference } },
    async ({ operator, params: { deliveryId }, log }) => {
      const find = () => findAnyDelivery(pool, deliveryId);
      const delivery = await resendDelivery(deps, find, log, { operator: operator.name });
      const attempts = (await readNewestAttempts(pool, deliveryId)).map(toAttemptResource);
      return { ok: true, data: { ...toAnyDeliveryResource(delivery), attempts } };
    },
  );
};
