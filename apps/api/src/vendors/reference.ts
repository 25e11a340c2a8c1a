import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import Type from 'typebox';
import { EXAMPLE_ORDER } from '../orders/example-order.ts';
import { orderAnswer } from '../orders/reference.ts';
import { OrderResource } from '../orders/schemas.ts';
import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import { idField } from '../schemas/common-schemas.ts';
import { EXAMPLE_VENDOR } from './example-vendor.ts';
import {
  EXAMPLE_ARRIVED_ORDER,
  EXAMPLE_COMPLETED_ORDER,
  EXAMPLE_ORDER_IN_PROGRESS,
  EXAMPLE_ORDER_TO_BE_PAID,
  EXAMPLE_VENDOR_CANCELLED_ORDER,
} from './example-vendor-orders.ts';
import { VendorResourceSchema } from './vendor-schemas.ts';

const vendors = { audience: 'vendor', tag: 'Vendors' } as const;
const REFUSED: readonly ErrorCode[] = ['order_transition_not_allowed'];

const itself = {
  description: 'The calling vendor.',
  schema: answerOf(VendorResourceSchema),
  example: { ok: true, data: EXAMPLE_VENDOR },
};

export const getVendorMeReference: RouteReference = {
  ...vendors,
  operationId: 'getVendorMe',
  summary: 'Read yourself',
  answers: { 200: itself },
};

export const updateVendorMeReference: RouteReference = {
  ...vendors,
  operationId: 'updateVendorMe',
  summary: 'Change your name, contact data or services',
  description: 'Only fields that are present and not null change.',
  bodyExamples: { services: { selectedServices: ['electronics_repair', 'appliance_repair'] } },
  answers: { 200: itself },
};

export const setPresenceReference: RouteReference = {
  ...vendors,
  operationId: 'setPresence',
  summary: 'Go online or offline',
  description:
    'Being online ends 90 seconds after the last renewal. An open stream of offers keeps its vendor online as well.',
  bodyExamples: {
    online: { online: true, location: { latitude: 28.71, longitude: 77.11 } },
    offline: { online: false },
  },
  answers: { 200: itself },
  validationExample: ['online is required'],
};

export const listVendorOrdersReference: RouteReference = {
  ...vendors,
  operationId: 'listVendorOrders',
  summary: 'List your orders',
  description: 'The orders that are yours, newest first.',
  answers: {
    200: {
      description: 'A page of orders.',
      schema: pageOf(OrderResource),
      example: { ok: true, data: [EXAMPLE_ORDER], nextCursor: null },
    },
  },
};

export const getVendorOrderReference: RouteReference = {
  ...vendors,
  operationId: 'getVendorOrder',
  summary: 'Read one of your orders',
  answers: { 200: orderAnswer(EXAMPLE_ORDER, 'The order as of now.') },
};

export const acceptOrderReference: RouteReference = {
  ...vendors,
  operationId: 'acceptOrder',
  summary: 'Accept an order',
  description:
    'One that is offered to you, while you are online: the first vendor wins. Or one that was assigned to you.',
  bodyExamples: { 'with notes': { vendorNotes: 'Parts will be ordered' } },
  answers: { 200: orderAnswer(EXAMPLE_ORDER) },
  errors: [...REFUSED, 'order_already_taken', 'vendor_offline'],
};

export const rejectOrderReference: RouteReference = {
  ...vendors,
  operationId: 'rejectOrder',
  summary: 'Say no to an order',
  description:
    'One that was assigned to you becomes `pending` again; one that is offered to you is no longer.',
  bodyExamples: { 'with a reason': { reason: 'Too far away' } },
  answers: {
    200: {
      description: 'It is not yours and not offered to you.',
      schema: answerOf(Type.Object({ orderId: idField('Of the order.'), status: Type.Literal('pending') })),
      example: { ok: true, data: { orderId: EXAMPLE_ORDER.orderId, status: 'pending' } },
    },
  },
  errors: REFUSED,
};

/** By the last part of the path. */
export const stepReferences = {
  start: {
    ...vendors,
    operationId: 'startOrder',
    summary: 'Start the work',
    bodyExamples: { 'with notes': { vendorNotes: 'On my way' } },
    answers: { 200: orderAnswer(EXAMPLE_ORDER_IN_PROGRESS) },
    errors: REFUSED,
  },
  'confirm-arrival': {
    ...vendors,
    operationId: 'confirmArrival',
    summary: 'Confirm that you are at the place',
    bodyExamples: { 'with notes': { vendorNotes: 'At the gate' } },
    answers: { 200: orderAnswer(EXAMPLE_ARRIVED_ORDER) },
    errors: REFUSED,
  },
  complete: {
    ...vendors,
    operationId: 'completeOrder',
    summary: 'Complete an order',
    bodyExamples: { 'with notes': { vendorNotes: 'Screen replaced' } },
    answers: { 200: orderAnswer(EXAMPLE_COMPLETED_ORDER) },
    errors: REFUSED,
  },
} as const satisfies Record<string, RouteReference>;

export const requestPaymentReference: RouteReference = {
  ...vendors,
  operationId: 'requestPayment',
  summary: 'Ask for the payment',
  description:
    'An `amount` becomes the `fare`. `notes` become the vendor notes, unless `vendorNotes` are given. Once, and not ' +
    'after the payment.',
  bodyExamples: { 'with an amount': { amount: 275.5, notes: 'One part more' } },
  answers: { 200: orderAnswer(EXAMPLE_ORDER_TO_BE_PAID) },
  errors: [...REFUSED, 'payment_already_requested'],
};

export const cancelVendorOrderReference: RouteReference = {
  ...vendors,
  operationId: 'cancelVendorOrder',
  summary: 'Cancel one of your orders',
  description: 'For everybody. To give it back instead, reject it while it is `assigned`.',
  bodyExamples: { 'with a reason': { reason: 'Nobody was there' } },
  answers: { 200: orderAnswer(EXAMPLE_VENDOR_CANCELLED_ORDER) },
  errors: REFUSED,
};
