import type { Actor } from '@vendor-server/domain/orders/actor.ts';
import { buildOrderResource } from '@vendor-server/domain/webhooks/webhook-body.ts';
import type { FastifyRequest } from 'fastify';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { changeOrderStatus, type OrderChangeRequest } from '../orders/change-order-status.ts';
import type { OrderForTaker } from '../orders/find-order-for-taker-sql.ts';
import { listOrdersForVendor } from '../orders/list-orders-sql.ts';
import { findOrderForVendor } from '../orders/order-row-sql.ts';
import { requireVendor } from '../plugins/authentication.ts';
import { toChangeContext } from '../plugins/change-context.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { OrderParams } from '../schemas/common-schemas.ts';
import {
  acceptOrderReference,
  cancelVendorOrderReference,
  getVendorOrderReference,
  listVendorOrdersReference,
  rejectOrderReference,
  requestPaymentReference,
  stepReferences,
} from './reference.ts';
import { rejectOrder } from './reject-order.ts';
import {
  RequestPaymentBody,
  VendorActionBody,
  VendorOrdersQuery,
  VendorReasonBody,
} from './vendor-schemas.ts';

/** Steps that need nothing but the vendor who holds the order. */
const STEPS = [
  { path: 'start', action: 'start', to: 'in_progress' },
  { path: 'confirm-arrival', action: 'confirm_arrival', to: 'arrival_confirmed' },
  { path: 'complete', action: 'complete', to: 'completed' },
] as const;

/** `/api/vendor/orders`: a vendor's own orders, and what it does with them. */
export const vendorOrderRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireVendor(deps));

  const findOwn = (request: FastifyRequest<{ Params: { orderId: string } }>) => () =>
    deps.orderReads.findOrderForVendor(request.vendor.id, request.params.orderId);

  async function change(
    request: FastifyRequest,
    { find, request: toRequest }: Pick<OrderChangeRequest, 'find' | 'request'>,
  ) {
    const { order, vendor } = await changeOrderStatus(deps, {
      find,
      request: toRequest,
      ...toChangeContext(request),
    });
    return { ok: true, data: buildOrderResource(order, vendor) };
  }

  app.get(
    '/orders',
    { schema: { querystring: VendorOrdersQuery }, config: { reference: listVendorOrdersReference } },
    async (request) => {
      const { status } = request.query;
      const page = await listOrdersForVendor(
        pool,
        request.vendor.id,
        { status },
        toPageRequest(request.query),
      );
      const data = page.items.map(({ order, vendor }) => buildOrderResource(order, vendor));
      return { ok: true, data, nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/orders/:orderId',
    { schema: { params: OrderParams }, config: { reference: getVendorOrderReference } },
    async (request) => {
      const found = await findOrderForVendor(pool, request.vendor.id, request.params.orderId);
      if (!found) throw new ApiError('not_found');
      return { ok: true, data: buildOrderResource(found.order, found.vendor) };
    },
  );

  for (const { path, action, to } of STEPS) {
    app.post(
      `/orders/:orderId/${path}`,
      {
        schema: { params: OrderParams, body: VendorActionBody },
        config: { reference: stepReferences[path] },
      },
      (request) =>
        change(request, {
          find: findOwn(request),
          request: () => ({ action, to, actor: toActor(request), ...toNotes(request.body) }),
        }),
    );
  }

  app.post(
    '/orders/:orderId/accept',
    { schema: { params: OrderParams, body: VendorActionBody }, config: { reference: acceptOrderReference } },
    (request) => {
      const { orderId } = request.params;
      let found: OrderForTaker | null = null;
      return change(request, {
        // Not its own yet. An order that this vendor may not know of is refused as not found, after the same look-up
        // as one that does not exist: how long the answer takes tells nothing either.
        find: async () => {
          found = await deps.orderReads.findOrderForTaker(request.vendor.id, orderId);
          return found;
        },
        request: () => ({
          action: 'accept',
          to: 'accepted',
          actor: toActor(request),
          isOffered: found !== null && found.standing.isServed && !found.standing.hasDeclined,
          isOnline: found?.standing.isOnline ?? false,
          ...toNotes(request.body),
        }),
      });
    },
  );

  app.post(
    '/orders/:orderId/request-payment',
    {
      schema: { params: OrderParams, body: RequestPaymentBody },
      config: { reference: requestPaymentReference },
    },
    (request) => {
      const { amount, notes, vendorNotes } = request.body;
      return change(request, {
        find: findOwn(request),
        request: () => ({
          action: 'request_payment',
          to: 'payment_requested',
          actor: toActor(request),
          ...(typeof amount === 'number' && { amount }),
          ...toNotes({ vendorNotes: vendorNotes ?? notes }),
        }),
      });
    },
  );

  app.post(
    '/orders/:orderId/cancel',
    {
      schema: { params: OrderParams, body: VendorReasonBody },
      config: { reference: cancelVendorOrderReference },
    },
    (request) =>
      change(request, {
        find: findOwn(request),
        request: () => ({
          action: 'cancel',
          to: 'cancelled',
          actor: toActor(request),
          reason: request.body.reason ?? null,
          ...toNotes(request.body),
        }),
      }),
  );

  app.post(
    '/orders/:orderId/reject',
    { schema: { params: OrderParams, body: VendorReasonBody }, config: { reference: rejectOrderReference } },
    async (request) => {
      const { orderId } = request.params;
      await rejectOrder(deps, {
        vendorId: request.vendor.id,
        orderId,
        reason: request.body.reason ?? null,
        vendorNotes: request.body.vendorNotes ?? null,
        context: toChangeContext(request),
      });
      return { ok: true, data: { orderId, status: 'pending' } };
    },
  );
};

function toActor({ vendor }: FastifyRequest): Actor {
  return { type: 'vendor', id: vendor.id };
}

function toNotes({ vendorNotes }: { vendorNotes?: string | null | undefined }) {
  return typeof vendorNotes === 'string' ? { vendorNotes } : {};
}
