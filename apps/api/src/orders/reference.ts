import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import Type from 'typebox';
import type { ReferenceAnswer, RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import {
  EXAMPLE_CANCELLED_ORDER,
  EXAMPLE_FULL_ORDER_BODY,
  EXAMPLE_ORDER,
  EXAMPLE_PAID_ORDER,
  EXAMPLE_SERVICE_ORDER_BODY,
} from './example-order.ts';
import { FullOrderBody, ServiceOrderBody } from './new-order-schemas.ts';
import { NewOrderAnswer, OrderResource } from './schemas.ts';

/** The order as an action left it. */
export function orderAnswer(example: object, description = 'The order after the change.'): ReferenceAnswer {
  return { description, schema: answerOf(OrderResource), example: { ok: true, data: example } };
}

const REFUSED: readonly ErrorCode[] = ['order_transition_not_allowed'];

export const createOrderReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Orders',
  operationId: 'createOrder',
  summary: 'Create an order',
  description: [
    'Takes one of two bodies. A *service order* is one piece of work at one place: it becomes an order whose',
    '`pickup` and `drop` are that place and whose only item is `<workType>: <description>` at `estimatedPrice`, and',
    'its contact data goes into `metadata`. A *full order*, recognised by `items`, says everything itself.',
    '',
    'The order is offered to every online vendor for its work type. When this is answered, the order and its first',
    'webhook (`status: "pending"`, `previousStatus: null`) are stored.',
  ].join('\n'),
  headers: {
    'idempotency-key':
      'Up to 255 characters of your choice: sending the same body again with the same key makes no second order.',
  },
  body: Type.Union([
    Type.Object(ServiceOrderBody.properties, {
      title: 'ServiceOrder',
      description: 'One piece of work at one place.',
    }),
    Type.Object(FullOrderBody.properties, {
      title: 'FullOrder',
      description: 'Any order; recognised by its `items`.',
    }),
  ]),
  bodyExamples: { 'service order': EXAMPLE_SERVICE_ORDER_BODY, 'full order': EXAMPLE_FULL_ORDER_BODY },
  answers: {
    201: {
      description: 'The order was created.',
      schema: NewOrderAnswer,
      example: {
        ok: true,
        message: 'Order created successfully',
        data: {
          orderId: EXAMPLE_ORDER.orderId,
          status: 'pending',
          broadcast: { success: true, notifiedVendors: 3, failedNotifications: 0 },
        },
      },
      headers: {
        'idempotency-replayed': '`true`: this is the answer that was given before for the same key.',
      },
    },
  },
  errors: ['idempotency_in_progress', 'idempotency_key_reused'],
  validationExample: ['customerName is required', 'location.latitude must be a number between -90 and 90'],
};

export const listOrdersReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Orders',
  operationId: 'listOrders',
  summary: 'List your orders',
  description: 'Newest first. `since` and `until` are about the time of creation.',
  answers: {
    200: {
      description: 'A page of orders.',
      schema: pageOf(OrderResource),
      example: { ok: true, data: [EXAMPLE_ORDER], nextCursor: null },
    },
  },
};

export const getOrderReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Orders',
  operationId: 'getOrder',
  summary: 'Read an order',
  description: 'The body of its latest webhook, without `previousStatus`.',
  answers: { 200: orderAnswer(EXAMPLE_ORDER, 'The order as of now.') },
};

export const cancelOrderReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Orders',
  operationId: 'cancelOrder',
  summary: 'Cancel an order',
  description: 'From any status but `completed`. Doing it again changes nothing.',
  bodyExamples: { 'with a reason': { reason: 'No longer needed' } },
  answers: { 200: orderAnswer(EXAMPLE_CANCELLED_ORDER) },
  errors: REFUSED,
};

export const confirmPaymentReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Orders',
  operationId: 'confirmPayment',
  summary: 'Confirm the payment',
  description: 'After `payment_requested`. Doing it again changes nothing.',
  answers: { 200: orderAnswer(EXAMPLE_PAID_ORDER) },
  errors: REFUSED,
};
