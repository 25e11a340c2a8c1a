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
