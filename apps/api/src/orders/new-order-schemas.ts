import Type from 'typebox';
import {
  Latitude,
  Location,
  Longitude,
  Money,
  optional,
  PaymentMethodSchema,
  requiredText,
  Timestamp,
  text,
} from '../schemas/common-schemas.ts';

const MAX_METADATA_BYTES = 16 * 1024;

const Metadata = Type.Refine(
  Type.Record(Type.String(), Type.Unknown(), { rule: 'must be an object of at most 16 KiB of JSON' }),
  (value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES,
);

const PlaceBody = Type.Object({
  address: requiredText(1000),
  coordinates: Type.Tuple([Longitude, Latitude], { rule: 'must be [longitude, latitude]' }),
});

/** The body integrators send: one piece of work at one place. */
export const ServiceOrderBody = Type.Object({
  customerId: requiredText(200),
  customerName: requiredText(200),
  customerPhone: requiredText(50),
  customerAddress: requiredText(1000),
  workType: requiredText(100),
  description: requiredText(5000),
  location: Location,
  estimatedPrice: optional(Money),
  urgency: optional(text(50)),
  paymentMethod: optional(PaymentMethodSchema),
  scheduledAt: optional(Timestamp),
  metadata: optional(Metadata),
});

/** Any order; recognised by its `items`. */
export const FullOrderBody = Type.Object({
  customerId: requiredText(200),
  pickup: PlaceBody,
  drop: PlaceBody,
  items: Type.Array(
    Type.Object({
      title: requiredText(500),
      qty: Type.Integer({ minimum: 1, maximum: 10_000 }),
      price: Money,
    }),
    { minItems: 1, maxItems: 100 },
  ),
  fare: Money,
  paymentMethod: optional(PaymentMethodSchema),
  customerNotes: optional(text(5000)),
  scheduledAt: optional(Timestamp),
  metadata: optional(Metadata),
});
