import Type from 'typebox';
import { EXAMPLE_ORDER } from '../orders/example-order.ts';
import { OrderItemField } from '../orders/schemas.ts';
import type { RouteReference } from '../reference/route-reference.ts';
import { moneyField, nullable, pageOf, timeField } from '../schemas/answer-schemas.ts';
import { idField } from '../schemas/common-schemas.ts';
import type { Offer } from './to-offer.ts';

const OfferSchema = Type.Object(
  {
    orderId: idField('Of the order.'),
    workType: nullable(Type.String()),
    items: Type.Array(OrderItemField),
    fare: moneyField('What the customer pays.'),
    urgency: nullable(Type.String()),
    scheduledAt: nullable(timeField('When the work is wanted.')),
    area: Type.Tuple([Type.Number(), Type.Number()], {
      description: '`[longitude, latitude]` of the pickup, rounded to 2 decimals.',
    }),
    createdAt: timeField('When the order was created.'),
  },
  { title: 'Offer' },
);

const offer: Offer = {
  orderId: EXAMPLE_ORDER.orderId,
  workType: 'electronics_repair',
  items: EXAMPLE_ORDER.orderData.items,
  fare: 250,
  urgency: 'normal',
  scheduledAt: null,
  area: [77.1, 28.7],
  createdAt: '2023-12-04T10:20:00.000Z',
};

const offers = { audience: 'vendor', tag: 'Offers' } as const;

const WHAT_IS_OFFERED = [
  'Pending orders whose work type you serve, less those you declined. An offer shows no address, notes or contact',
  'data: these are for the vendor of the order.',
].join('\n');

export const listOffersReference: RouteReference = {
  ...offers,
  operationId: 'listOffers',
  summary: 'List what is offered to you',
  description: `${WHAT_IS_OFFERED} While you are offline nothing is.`,
  answers: {
    200: {
      description: 'A page of offers.',
      schema: pageOf(OfferSchema),
      example: { ok: true, data: [offer], nextCursor: null },
    },
  },
};

function toEventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const streamOffersReference: RouteReference = {
  ...offers,
  operationId: 'streamOffers',
  summary: 'Be told of offers as they come and go',
  description: [
    WHAT_IS_OFFERED,
    '',
    'Server-sent events. Every connection begins with a `snapshot`, `{ offers, nextCursor }`, which replaces what you',
    'held before; then come `offer`, an offer that is new or shown again, and `offer_withdrawn`, `{ orderId }`. An event',
    'may come twice. Comments keep a quiet stream alive. It ends after five minutes at the latest: come back whenever it',
    'ends, you miss nothing. An open stream keeps you online; a vendor may have 5.',
  ].join('\n'),
  answers: {
    200: {
      description: 'The stream.',
      contentType: 'text/event-stream',
      example: [
        'retry: 2000\n\n',
        toEventText('snapshot', { offers: [offer], nextCursor: null }),
        toEventText('offer_withdrawn', { orderId: offer.orderId }),
      ].join(''),
    },
  },
  errors: ['shutting_down'],
};
