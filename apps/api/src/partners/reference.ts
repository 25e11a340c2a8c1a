import Type, { type TSchema } from 'typebox';
import { EXAMPLE_ORDER } from '../orders/example-order.ts';
import type { RouteReference } from '../reference/route-reference.ts';
import {
  REPORTED_STATUSES,
  VENDOR_UPDATE_FIELDS,
  VENDOR_UPDATE_STATUS_SPELLINGS,
} from './parse-vendor-update.ts';

/** Every spelling of every field, as the parser takes them. */
function describeBody(): TSchema {
  const texts = Object.entries(VENDOR_UPDATE_FIELDS).flatMap(
    ([field, { spellings, maxLength, mayBeEmpty }]) =>
      spellings.map((spelling) => [
        spelling,
        Type.Optional(
          Type.Union([Type.String({ maxLength, ...(mayBeEmpty ? {} : { pattern: '\\S' }) }), Type.Null()], {
            description: describeSpelling(spelling, field, spellings),
          }),
        ),
      ]),
  );
  const statuses = VENDOR_UPDATE_STATUS_SPELLINGS.map((spelling) => [
    spelling,
    Type.Optional(
      Type.Union([Type.Enum([...REPORTED_STATUSES]), Type.Null()], {
        description: describeSpelling(spelling, 'status', VENDOR_UPDATE_STATUS_SPELLINGS),
      }),
    ),
  ]);
  return Type.Object(Object.fromEntries([...texts, ...statuses]) as Record<string, TSchema>, {
    description: 'The vendor, under any spelling of `vendorId`, is required.',
  });
}

function describeSpelling(spelling: string, field: string, spellings: readonly string[]): string {
  if (spelling !== field) return `Another spelling of \`${field}\`.`;
  return `Of its spellings the first that is present wins: ${spellings.map((each) => `\`${each}\``).join(', ')}.`;
}

const VendorUpdateAnswerSchema = Type.Object({
  success: Type.Literal(true),
  vendorId: Type.String({ description: 'As it was sent.' }),
  upserted: Type.Boolean({ description: 'The vendor was new.' }),
  orderUpdated: Type.Boolean({
    description: 'The order was found and now has that status and that vendor, also when it already had.',
  }),
  webhookSent: Type.Boolean({ description: 'This call changed the status and recorded a webhook.' }),
  orderId: Type.Optional(Type.String({ description: 'As it was sent.' })),
  status: Type.Optional(Type.Enum([...REPORTED_STATUSES], { description: 'As it was sent.' })),
  reason: Type.Optional(Type.String({ description: 'Why the order was not updated.' })),
});

export const vendorUpdateReference: RouteReference = {
  audience: 'partner',
  tag: 'Partners',
  operationId: 'reportVendorUpdate',
  summary: 'Report a vendor, and what it did with an order',
  description: [
    'Creates or updates the vendor under your own id of it; only fields that are present change. With an order and a',
    'status it moves the order: `accepted` makes it `assigned`, `enroute` `in_progress`, `completed` and `cancelled`',
    'what they say, and `rejected` makes it `pending` again without a vendor. You report facts, so any status that is',
    'not final may move to any of these.',
    '',
    'An unknown order, one that ended in another status, or one that another vendor holds is answered 200 with',
    '`orderUpdated: false` and a `reason`.',
  ].join('\n'),
  body: describeBody(),
  bodyExamples: {
    'a vendor took an order': {
      vendorId: 'partner-vendor-17',
      vendorName: 'Tech Repair Services',
      vendorPhone: '+918765432109',
      vendorAddress: '789 Service Lane, City',
      serviceType: 'electronics_repair',
      assignedOrderId: EXAMPLE_ORDER.orderId,
      status: 'accepted',
    },
    'other spellings': { vendor_id: 'partner-vendor-17', order_id: EXAMPLE_ORDER.orderId, state: 'enroute' },
  },
  answers: {
    200: {
      description: 'The report was taken.',
      schema: VendorUpdateAnswerSchema,
      examples: {
        'the order moved': {
          success: true,
          vendorId: 'partner-vendor-17',
          upserted: true,
          orderUpdated: true,
          webhookSent: true,
          orderId: EXAMPLE_ORDER.orderId,
          status: 'accepted',
        },
        'it did not': {
          success: true,
          vendorId: 'partner-vendor-17',
          upserted: false,
          orderUpdated: false,
          webhookSent: false,
          orderId: EXAMPLE_ORDER.orderId,
          status: 'enroute',
          reason: 'Another vendor holds this order.',
        },
      },
    },
  },
  validationExample: [
    'vendorId is required',
    'status must be one of [accepted, rejected, enroute, completed, cancelled]',
  ],
};
