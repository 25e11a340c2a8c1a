import type { Actor } from '@vendor-server/domain/orders/actor.ts';
import type { TransitionRequest } from '@vendor-server/domain/orders/transition-request.ts';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireOperator } from '../plugins/authentication.ts';
import { toChangeContext } from '../plugins/change-context.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { Id, OrderParams, ReasonBody } from '../schemas/common-schemas.ts';
import {
  assignOrderReference,
  cancelAnyOrderReference,
  confirmAnyPaymentReference,
  getAnyOrderReference,
  listAllOrdersReference,
  unassignOrderReference,
} from './admin-reference.ts';
import { changeOrderStatus } from './change-order-status.ts';
import { listAllOrders } from './list-orders-sql.ts';
import { AllOrdersQuery, toOrderFilter } from './order-query.ts';
import { findAnyOrder, findVendorSnapshot } from './order-row-sql.ts';
import { toOperatorsOrder } from './to-operators-order.ts';

const AssignBody = Type.Object({ vendorId: Id });

type Asked = TransitionRequest extends infer Request
  ? Request extends TransitionRequest
    ? Omit<Request, 'actor'>
    : never
  : never;

/** `/api/admin/orders`: what operators do with anybody's orders. */
export const adminOrderRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireOperator(deps));

  app.get(
    '/orders',
    { schema: { querystring: AllOrdersQuery }, config: { reference: listAllOrdersReference } },
    async ({ query }) => {
      const page = await listAllOrders(pool, toOrderFilter(query), toPageRequest(query));
      const data = page.items.map(({ order, vendor }) => toOperatorsOrder(order, vendor));
      return { ok: true, data, nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/orders/:orderId',
    { schema: { params: OrderParams }, config: { reference: getAnyOrderReference } },
    async ({ params }) => {
      const found = await findAnyOrder(pool, params.orderId);
      if (found === null) throw new ApiError('not_found');
      return { ok: true, data: toOperatorsOrder(found.order, found.vendor) };
    },
  );

  app.post(
    '/orders/:orderId/assign',
    { schema: { params: OrderParams, body: AssignBody }, config: { reference: assignOrderReference } },
    async (request) => {
      const { vendorId } = request.body;
      return change(request, request.params.orderId, async () => {
        if ((await findVendorSnapshot(pool, vendorId)) === null) {
          throw new ApiError('validation_failed', { details: ['vendorId must be the id of a vendor'] });
        }
        return { action: 'assign', to: 'assigned', vendorId };
      });
    },
  );

  app.post(
    '/orders/:orderId/unassign',
    { schema: { params: OrderParams }, config: { reference: unassignOrderReference } },
    async (request) =>
      change(request, request.params.orderId, async () => ({ action: 'unassign', to: 'pending' })),
  );

  app.post(
    '/orders/:orderId/cancel',
    { schema: { params: OrderParams, body: ReasonBody }, config: { reference: cancelAnyOrderReference } },
    async (request) => {
      const reason = request.body.reason ?? null;
      return change(request, request.params.orderId, async () => ({
        action: 'cancel',
        to: 'cancelled',
        reason,
      }));
    },
  );

  app.post(
    '/orders/:orderId/confirm-payment',
    { schema: { params: OrderParams }, config: { reference: confirmAnyPaymentReference } },
    async (request) =>
      change(request, request.params.orderId, async () => ({
        action: 'confirm_payment',
        to: 'payment_confirmed',
      })),
  );

  async function change(
    request: Pick<FastifyRequest, 'operator' | 'id' | 'traceparent'>,
    orderId: string,
    ask: () => Promise<Asked>,
  ) {
    const actor: Actor = { type: 'admin', id: request.operator.name };
    const { order, vendor } = await changeOrderStatus(deps, {
      find: () => deps.orderReads.findAnyOrder(orderId),
      request: async () => ({ ...(await ask()), actor }),
      ...toChangeContext(request),
    });
    return { ok: true, data: toOperatorsOrder(order, vendor) };
  }
};
