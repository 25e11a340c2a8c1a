import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import type { ReferenceAnswer, RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import {
  buildExampleOrder,
  EXAMPLE_CANCELLED_ORDER,
  EXAMPLE_ORDER,
  EXAMPLE_PAID_ORDER,
  EXAMPLE_VENDOR_DETAILS,
} from './example-order.ts';
import { OperatorsOrder } from './schemas.ts';

const operators = { audience: 'operator', tag: 'Operators: orders' } as const;
const REFUSED: readonly ErrorCode[] = ['order_transition_not_allowed'];

function toOperatorsExample(order: object) {
  return { ...order, customerServerId: '64a7b2c8f9e4d1a2b3c4d5e8' };
}

function orderAnswer(example: object, description = 'The order after the change.'): ReferenceAnswer {
  return {
    description,
    schema: answerOf(OperatorsOrder),
    example: { ok: true, data: toOperatorsExample(example) },
  };
}

const assignedOrder = buildExampleOrder({
  status: 'assigned',
  version: 2,
  updatedAt: '2023-12-04T10:25:00.000Z',
  orderData: { acceptedAt: null, vendorNotes: null },
});

const unassignedOrder = buildExampleOrder({
  status: 'pending',
  version: 3,
  updatedAt: '2023-12-04T10:27:00.000Z',
  orderData: { assignedAt: null, acceptedAt: null, vendorNotes: null },
  vendorDetails: null,
});

export const listAllOrdersReference: RouteReference = {
  ...operators,
  operationId: 'listAllOrders',
  summary: 'Search over all orders',
  description: 'Newest first. `since` and `until` are about the time of creation.',
  answers: {
    200: {
      description: 'A page of orders.',
      schema: pageOf(OperatorsOrder),
      example: { ok: true, data: [toOperatorsExample(EXAMPLE_ORDER)], nextCursor: null },
    },
  },
};

export const getAnyOrderReference: RouteReference = {
  ...operators,
  operationId: 'getAnyOrder',
  summary: 'Read any order',
  answers: { 200: orderAnswer(EXAMPLE_ORDER, 'The order as of now.') },
};

export const assignOrderReference: RouteReference = {
  ...operators,
  operationId: 'assignOrder',
  summary: 'Give a pending order to a vendor',
  description: 'The vendor need not be online, and need not serve its work type.',
  bodyExamples: { 'a vendor': { vendorId: EXAMPLE_VENDOR_DETAILS.vendorId } },
  answers: { 200: orderAnswer(assignedOrder) },
  errors: REFUSED,
  validationExample: ['vendorId must be the id of a vendor'],
};

export const unassignOrderReference: RouteReference = {
  ...operators,
  operationId: 'unassignOrder',
  summary: 'Take an order back from its vendor',
  description: 'While it is `assigned` or `accepted`; it is `pending` again, and offered.',
  answers: { 200: orderAnswer(unassignedOrder) },
  errors: REFUSED,
};

export const cancelAnyOrderReference: RouteReference = {
  ...operators,
  operationId: 'cancelAnyOrder',
  summary: 'Cancel any order',
  description: 'From any status but `completed`. Receivers see `cancelledBy: "admin"`.',
  bodyExamples: { 'with a reason': { reason: 'Duplicate order' } },
  answers: {
    200: orderAnswer({
      ...EXAMPLE_CANCELLED_ORDER,
      orderData: {
        ...EXAMPLE_CANCELLED_ORDER.orderData,
        cancelledBy: 'admin',
        cancellationReason: 'Duplicate order',
      },
    }),
  },
  errors: REFUSED,
};

export const confirmAnyPaymentReference: RouteReference = {
  ...operators,
  operationId: 'confirmAnyPayment',
  summary: 'Confirm the payment of any order',
  description: 'After `payment_requested`.',
  answers: { 200: orderAnswer(EXAMPLE_PAID_ORDER) },
  errors: REFUSED,
};
