/** Shapes of successful answers: documentation, and what tests hold real answers against. */
import Type, { type TSchema } from 'typebox';

/** `{ ok: true, data }` */
export function answerOf<Schema extends TSchema>(data: Schema) {
  return Type.Object({ ok: Type.Literal(true), data }, { additionalProperties: false });
}

/** `{ ok: true, data: [...], nextCursor }` */
export function pageOf<Schema extends TSchema>(item: Schema) {
  const nextCursor = Type.Union([Type.String(), Type.Null()], {
    description: 'The next page is read with `cursor` set to this. Null on the last page.',
  });
  return Type.Object(
    { ok: Type.Literal(true), data: Type.Array(item), nextCursor },
    { additionalProperties: false },
  );
}

/** A time in an answer: RFC 3339, UTC, milliseconds, `Z`. */
export function timeField(description: string) {
  return Type.String({
    format: 'date-time',
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
    description,
  });
}

export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

export function moneyField(description: string) {
  return Type.Number({ minimum: 0, maximum: 9_999_999_999.99, description });
}
