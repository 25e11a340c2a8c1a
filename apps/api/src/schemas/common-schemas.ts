/**
 * Parts that request schemas share. `rule` is what a caller reads when a value breaks the schema; schemas
 * without one get a sentence made from their keywords.
 */
import { PAYMENT_METHODS } from '@vendor-server/domain/orders/order.ts';
import { ORDER_STATUSES } from '@vendor-server/domain/orders/order-status.ts';
import Type, { type Static, type TSchema } from 'typebox';
import { parseTimestamp } from './parse-timestamp.ts';

const ID_PATTERN = '^[0-9a-f]{24}$';

/** Ids of orders, vendors, customer servers, endpoints and deliveries. */
export const Id = Type.String({
  pattern: ID_PATTERN,
  rule: 'must be an id of 24 lower-case hexadecimal characters',
});

/** An id in an answer. */
export function idField(description: string) {
  return Type.String({ pattern: ID_PATTERN, description });
}

/** Path parameters that are ids. Whatever cannot be an id names nothing: the validator answers 404. */
export const OrderParams = Type.Object({ orderId: Id });
export const VendorParams = Type.Object({ vendorId: Id });
export const CustomerServerParams = Type.Object({ customerServerId: Id });

/** A text that must say something: missing, null, empty and blank are all "is required". */
export function requiredText(maxLength: number) {
  return Type.String({
    pattern: '\\S',
    maxLength,
    rule: `must be a string of at most ${maxLength} characters that is not blank`,
  });
}

export function text(maxLength: number) {
  return Type.String({ maxLength });
}

/** An optional field for which null says the same as its absence. */
export function optional<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(Type.Union([schema, Type.Null()]));
}

/** 0 … 9 999 999 999.99 with at most 2 decimals, checked on the digits: 0.07 is no multiple of 0.01 in floats. */
export const Money = Type.Refine(
  Type.Number({
    minimum: 0,
    maximum: 9_999_999_999.99,
    rule: 'must be a number between 0 and 9999999999.99 with at most 2 decimals',
  }),
  (value) => /^\d+(\.\d{1,2})?$/.test(String(value)),
);

/** RFC 3339 date and time with an offset, in the years 2000 to 2100. */
export const Timestamp = Type.Refine(
  Type.String({
    rule: 'must be an RFC 3339 time such as 2026-01-31T12:00:00.000Z in the years 2000 to 2100',
  }),
  (value) => parseTimestamp(value) !== null,
);

export const Latitude = Type.Number({ minimum: -90, maximum: 90 });
export const Longitude = Type.Number({ minimum: -180, maximum: 180 });

/** `{ latitude, longitude }` in degrees. */
export const Location = Type.Object({ latitude: Latitude, longitude: Longitude });

export const Status = Type.Enum([...ORDER_STATUSES]);
export const PaymentMethodSchema = Type.Enum([...PAYMENT_METHODS]);

/** Body of an action that may say why. */
export const ReasonBody = Type.Object({ reason: optional(text(500)) });
export type ReasonBody = Static<typeof ReasonBody>;
