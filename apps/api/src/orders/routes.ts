import { createHash } from 'node:crypto';
import type { Actor } from '@vendor-server/domain/orders/actor.ts';
import type { TransitionRequest } from '@vendor-server/domain/orders/transition-request.ts';
import { buildOrderResource } from '@vendor-server/domain/webhooks/webhook-body.ts';
import type { FastifyRequest } from 'fastify';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer } from '../plugins/authentication.ts';
import { toChangeContext } from '../plugins/change-context.ts';
import { toPageRequest } from '../plugins/paging.ts';
import { OrderParams, ReasonBody } from '../schemas/common-schemas.ts';
import { changeOrderStatus } from './change-order-status.ts';
import { createOrder } from './create-order.ts';
import { readIdempotencyKey } from './idempotency-key.ts';
import { listOrdersForCustomerServer } from './list-orders-sql.ts';
import { OrderQuery, toOrderFilter } from './order-query.ts';
import { findOrderForCustomerServer } from './order-row-sql.ts';
import { parseNewOrder } from './parse-new-order.ts';
import {
  cancelOrderReference,
  confirmPaymentReference,
  createOrderReference,
  getOrderReference,
  listOrdersReference,
} from './reference.ts';

/** `/api/external/orders`: what customer servers do with their orders. */
export const orderRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  app.addHook('onRequest', requireCustomerServer(deps));

  app.post('/orders', { config: { reference: createOrderReference } }, async (request, reply) => {
    const input = parseNewOrder(request.body ?? {});
    const key = readIdempotencyKey(request.headers['idempotency-key']);
    const answer = await createOrder(deps, {
      customerServerId: request.customerServer.id,
      input,
      idempotencyKey: key === null ? null : { key, bodyHash: hashBody(request.rawBody) },
      context: toChangeContext(request),
    });
    if (answer.replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(201).type('application/json; charset=utf-8').send(answer.body);
  });

  app.get(
    '/orders',
    { schema: { querystring: OrderQuery }, config: { reference: listOrdersReference } },
    async ({ customerServer, query }) => {
      const filter = toOrderFilter(query);
      const page = await listOrdersForCustomerServer(pool, customerServer.id, filter, toPageRequest(query));
      const data = page.items.map(({ order, vendor }) => buildOrderResource(order, vendor));
      return { ok: true, data, nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/orders/:orderId',
    { schema: { params: OrderParams }, config: { reference: getOrderReference } },
    async ({ customerServer, params }) => {
      const found = await findOrderForCustomerServer(pool, customerServer.id, params.orderId);
      if (found === null) throw new ApiError('not_found');
      return { ok: true, data: buildOrderResource(found.order, found.vendor) };
    },
  );

  app.post(
    '/orders/:orderId/cancel',
    { schema: { params: OrderParams, body: ReasonBody }, config: { reference: cancelOrderReference } },
    async (request) => {
      const reason = request.body.reason ?? null;
      return change(request, request.params.orderId, { action: 'cancel', to: 'cancelled', reason });
    },
  );

  app.post(
    '/orders/:orderId/confirm-payment',
    { schema: { params: OrderParams }, config: { reference: confirmPaymentReference } },
    async (request) =>
      change(request, request.params.orderId, { action: 'confirm_payment', to: 'payment_confirmed' }),
  );

  async function change(
    request: Pick<FastifyRequest, 'customerServer' | 'id' | 'traceparent'>,
    orderId: string,
    asked: Omit<TransitionRequest & { action: 'cancel' | 'confirm_payment' }, 'actor'>,
  ) {
    const customerServerId = request.customerServer.id;
    const actor: Actor = { type: 'customer_server', id: customerServerId };
    const { order, vendor } = await changeOrderStatus(deps, {
      find: () => deps.orderReads.findOrderForCustomerServer(customerServerId, orderId),
      request: () => ({ ...asked, actor }),
      ...toChangeContext(request),
    });
    return { ok: true, data: buildOrderResource(order, vendor) };
  }
};

/** SHA-256 (hex) of the bytes: two bodies that mean the same but differ in a blank are two bodies. */
function hashBody(bytes: Buffer | null): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}
