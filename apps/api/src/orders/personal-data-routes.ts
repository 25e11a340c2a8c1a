import type { Routes } from '../app-deps.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { OrderParams } from '../schemas/common-schemas.ts';
import { erasePersonalDataOfOrder } from './erase-personal-data.ts';
import { ERASE_PERSONAL_DATA } from './personal-data-reference.ts';
import { toOperatorsOrder } from './to-operators-order.ts';

/** `/api/admin/orders/:orderId/personal-data` */
export const adminPersonalDataRoutes: Routes = async (app, deps) => {
  app.addHook('onRequest', requireOperator(deps));

  app.delete(
    '/orders/:orderId/personal-data',
    { schema: { params: OrderParams }, config: { reference: ERASE_PERSONAL_DATA } },
    async (request) => {
      const { orderId } = request.params;
      const { order, vendor } = await erasePersonalDataOfOrder(deps.database, orderId);
      request.log.info({ orderId, version: order.version }, 'Personal data erased');
      return { ok: true, data: toOperatorsOrder(order, vendor) };
    },
  );
};
